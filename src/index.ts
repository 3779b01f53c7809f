// devicescript-tcp: the interface of a TCP/IP stack for DeviceScript programs. Each name is listed here, and documented where it
// is defined. The layers below (RFC 9293's calls, the stack without I/O, codecs) are imported by their paths, such as
// "devicescript-tcp/src/tcp/calls". So is Wi-Fi ("devicescript-tcp/src/mac/wifi"): exporting it here would cost 256 bytes in
// programs without it, and its settings 1,216. See docs/programs.md.

export type { NetError } from "./base/errors"
export { HttpBodies } from "./http/body"
export { HttpFields } from "./http/fields"
export type {
    BodyReader,
    FieldReader,
    HttpBody,
    HttpHandler,
    HttpOptions,
    HttpRequest,
    HttpResponse,
} from "./http/record"
export { HttpServer } from "./http/server"
export { escapeHtml, formValue, percentDecoded } from "./http/text"
export { addStatus, statusServer } from "./inspect/status"
export { Enc28j60, type Enc28j60Options } from "./mac/enc28j60"
export type { EspHostedOptions } from "./mac/esp-hosted"
export { type Mac, MacCounter } from "./mac/mac"
export { W5500, type W5500Options } from "./mac/w5500"
export { SocketMode } from "./mac/w5500-registers"
export { Address, ipv4Of, ipv4Text, macOf, macText } from "./net/address"
export { bodyOf, mqttError, useForNet } from "./socket/devicescript-net"
export { type DhcpOptions, dhcp } from "./socket/dhcp"
export { type DnsOptions, dns } from "./socket/dns"
export {
    type Addressing,
    currentNetwork,
    NetworkInterface,
    type NetworkOptions,
    type Resolver,
    startNetwork,
} from "./socket/interface"
export { jsonOf } from "./socket/json"
export { Listener, type ListenOptions, listen, type Serve } from "./socket/listener"
export { type PublishedName, publishName } from "./socket/mdns"
export { type PingOptions, ping } from "./socket/ping"
export { type NetworkTime, networkTime } from "./socket/sntp"
export { type ConnectOptions, connect, Socket } from "./socket/socket"
export { type Datagram, openUdp, Udp, type UdpOptions } from "./socket/udp"
export { Config, configure } from "./tcp/config"
