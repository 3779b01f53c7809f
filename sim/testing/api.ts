// What tests of programs use: the types of devicescript-tcp/testing. They name nothing of the simulator's inside.

import type { TcpView, View } from "../view/dissect"

export type { ArpView, IcmpView, TcpView, UdpView, View } from "../view/dissect"

/** What the network of a test is like. All impairments are 0 when left out, except `delay`. */
export interface LabOptions {
    /** Where devices run: DeviceScript's own VM (the default), which is what a board has, or Node, where a debugger works. */
    runtime?: "vm" | "node"
    /** Seed of all random numbers: the same seed repeats the test frame by frame. The default is 1. */
    seed?: number
    /** Virtual time (the default) jumps from event to event, so an hour takes a second. Real time is for sockets of this computer. */
    time?: "virtual" | "real"
    /** Probability that a frame is lost, 0 to 1. */
    loss?: number
    /** Delay of one direction, ms; 5 when left out. */
    delay?: number
    /** Random addition to the delay, from -jitter to +jitter, ms. */
    jitter?: number
    /** Probability that a frame arrives twice. */
    dup?: number
    /** Probability that a frame is held back until later ones have passed it. */
    reorder?: number
    /** Probability that one bit of a frame is flipped. */
    corrupt?: number
    /** Bits per second at which each station sends; 0 is no limit. */
    rate?: number
}

/** What one device is like. */
export interface DeviceOptions {
    /** The address that the simulator offers to the program (networkSettings); 10.0.0.2/24, and then the next ones. */
    ip?: string
    /** The router's address, likewise; that of `net.router()` when left out. */
    gateway?: string
    /** The name server's address, likewise; that of `net.router()` when left out. */
    dns?: string
    /** Fields of the stack's configuration, likewise. */
    config?: { [field: string]: number }
    /** Where this device runs; as `lab` says when left out. */
    runtime?: "vm" | "node"
    /** The board, by the name of its file; the one whose pins the program imports when left out. */
    board?: string
    /** Features that the program leaves out; the list in package.json when left out. */
    without?: readonly string[]
}

/** A TCP connection of a device, by the segments on the wire. */
export interface Connection {
    readonly localPort: number
    readonly remoteIp: string
    readonly remotePort: number
    /** Which end sent the first SYN. */
    readonly opened: "device" | "peer"
    /** The three-way handshake is complete. */
    readonly established: boolean
    /** Both ends have sent FIN, or one has sent RST. */
    readonly over: boolean
    /** A reset answered the SYN. */
    readonly refused: boolean
}

/** Why something failed. */
export interface Diagnosis {
    /** The kind of failure, such as `port-closed`. */
    readonly cause: string
    /** What happened, in one sentence. */
    readonly sentence: string
    /** What was seen: the hosts that answered, those that did not, and since when. */
    readonly evidence: readonly string[]
    /** What to do; "" where there is nothing to do. */
    readonly advice: string
    /** When it was explained, ms since the network was made. */
    readonly time: number
}

/** A frame that was put on the wire. */
export interface Frame {
    /** Time of sending, ms since the network was made. */
    readonly time: number
    /** The name of the station that sent it: "device", "10.0.0.1". */
    readonly from: string
    readonly view: View
    /** The frame arrived nowhere. */
    readonly lost: boolean
}

/** Chooses a connection of a device; the first one that fits. */
export interface Which {
    /** The port at either end. */
    port?: number
    /** The other host's address. */
    ip?: string
}

/** A simulated board that runs a program. */
export interface LabDevice {
    readonly name: string
    /** The address, without the length of its prefix. */
    readonly ip: string
    /** What the program printed on its console, line by line. */
    readonly log: readonly string[]
    /** The device's connections, in the order of their first segments. */
    readonly connections: readonly Connection[]
    /** What failed or does not move on, and why; the oldest first. */
    readonly diagnoses: readonly Diagnosis[]
    /** Why the program ended, with its stack; undefined while it runs. */
    readonly ended: string | undefined
    /** Returns the segments of a connection in words, as "> S 0", "< S. 0 ack 1", "> P. 1(5) ack 1": the device is at the left. */
    segments(which?: Which): string[]
    /** Returns the connections of the device as a ladder diagram. */
    ladder(): string
    /** Plugs the network cable out, or in again. */
    cable(plugged: boolean): void
    /** Turns a fault of the Ethernet chip on, off or to a number, as the simulator's command `fault` does: `fault("miso-errors 1e-5")`. */
    fault(what: string): string
    /** Switches the board off and on: the program starts anew. */
    restart(): Promise<void>
    /** Switches the board off. */
    off(): void
}

/** One end of a connection, for a program of the test. */
export interface HostConnection {
    /** The state by its name in RFC 9293. */
    readonly state: string
    /** The data that has arrived, as Latin-1. */
    readonly received: string
    /** The peer sends no more, or the connection is over. */
    readonly ended: boolean
    /** The POSIX name of the error that ended the connection. */
    readonly error: string | undefined
    /** Sends Latin-1 text. */
    send(text: string): void
    /** Ends the sending direction after the text. */
    shutdown(): void
    /** Closes the connection after the text. */
    close(): void
    /** Resets the connection. */
    abort(): void
}

/** An answer to a request by HTTP. */
export interface HttpAnswer {
    readonly status: number
    /** The fields by their names in lower case. */
    readonly headers: { readonly [name: string]: string }
    readonly body: string
}

/** A request by HTTP that a host got. */
export interface HttpRequest {
    readonly method: string
    readonly path: string
    readonly headers: { readonly [name: string]: string }
    readonly body: string
}

/** An answer of a host: a text is a body with status 200. */
export type HttpReply = string | { status?: number; headers?: { [name: string]: string }; body?: string }

/** The MQTT broker of a host: MQTT 3.1.1, quality of service 0 and 1, retained messages and last wills. */
export interface Broker {
    /** The messages that clients published, in order. */
    readonly messages: readonly { readonly topic: string; readonly text: string; readonly retain: boolean }[]
    /** The identifiers of the clients that are connected. */
    readonly clients: readonly string[]
    /** Publishes a message to the clients that subscribe to its topic. */
    publish(topic: string, text: string, options?: { retain?: boolean }): void
}

/** A host with a TCP/IP stack of its own. */
export interface LabHost {
    readonly ip: string
    /** Echoes what arrives on a port (7). Returns the host itself. */
    echo(port?: number): LabHost
    /** Calls `serve` for each connection to a port, again with each piece of data and at the end. Returns the host itself. */
    listen(port: number, serve: (connection: HostConnection) => void): LabHost
    /** Answers requests by HTTP, by their paths or by a function. Returns the list of requests, which grows. */
    http(
        routes: { [path: string]: HttpReply } | ((request: HttpRequest) => HttpReply),
        port?: number
    ): readonly HttpRequest[]
    /** Serves as an MQTT broker (port 1883). */
    mqtt(port?: number): Broker
    /**
     * Opens a connection. Time passes until it is established. Throws an Error with the ladder, and why, when the handshake
     * fails.
     */
    connect(ip: string, port: number): Promise<HostConnection>
    /** Gets a page, as "http://10.0.0.2/". Time passes until the answer is complete. */
    get(url: string, headers?: { [name: string]: string }): Promise<HttpAnswer>
    /** Sends a request by HTTP with a body. Time passes until the answer is complete. */
    request(
        method: string,
        url: string,
        body?: string,
        headers?: { [name: string]: string }
    ): Promise<HttpAnswer>
    /** Switches the host off: it answers nothing any more. */
    off(): void
}

/** The fields of a segment that a test sends. Flags are letters, as "S", "S.", "P.", "F.", "R": a dot is ACK. */
export interface SegmentFields {
    sourcePort: number
    destinationPort: number
    seq: number
    ack?: number
    flags: string
    window?: number
    urgent?: number
    /** Bytes of options, padded to a multiple of four. */
    options?: ArrayLike<number>
}

/** A host that the test plays itself, segment by segment. It answers ARP, and sends nothing else of its own. */
export interface LabPeer {
    readonly ip: string
    /** The source address of its packets; another than its own when it plays a router. */
    source: string
    /** The frames that it got, without ARP. */
    readonly got: readonly View[]
    /** The segments that it got. */
    readonly segments: readonly TcpView[]
    /** Takes every segment that it gets. */
    onSegment: (view: TcpView) => void
    /** Sends a segment to a device, the first one when left out. */
    segment(fields: SegmentFields, data?: ArrayLike<number> | string, to?: LabDevice): void
    /** Sends a UDP datagram to a device, the first one when left out. */
    datagram(
        sourcePort: number,
        destinationPort: number,
        data: ArrayLike<number> | string,
        to?: LabDevice
    ): void
    /** Sends a ping to a device, the first one when left out. */
    ping(identifier: number, sequence: number, data?: ArrayLike<number> | string, to?: LabDevice): void
}

export interface RouterOptions {
    /** The router's address; 10.0.0.254 when left out. */
    ip?: string
    /** The address that DHCP gives to the first client; 10.0.0.2 when left out. */
    dhcp?: string
    /** The addresses of names. On virtual time there are no others; on real time those of this computer's resolver. */
    names?: { [name: string]: string | readonly string[] }
    /** Ports of the first device that programs of this computer can reach, on real time: `router.port(80)` says by which port. */
    forward?: readonly number[]
}

/** A router with a DHCP server and a DNS server. On real time it leads to the sockets of this computer. */
export interface LabRouter {
    readonly ip: string
    /** Returns the port of this computer (127.0.0.1) that leads to the device's port. */
    port(devicePort: number): number
}

/** The simulated network of a test. */
export interface Lab {
    /** Milliseconds since the network was made. */
    readonly now: number
    /** All frames on the wire, in the order of sending. */
    readonly frames: readonly Frame[]
    /** Set it to drop frames: it returns true for a frame that the wire drops. */
    lose: (view: View, from: string) => boolean
    /** Builds a program of the project, if no build of it exists, and starts it on a board of its own. The default is src/main.ts. */
    device(program?: string, options?: DeviceOptions): Promise<LabDevice>
    /** Adds a host with a TCP/IP stack of its own. */
    host(ip: string): LabHost
    /** Adds a host that the test plays segment by segment. */
    peer(ip: string): LabPeer
    /** Adds a router with DHCP and DNS. Add it before the devices that use it. */
    router(options?: RouterOptions): Promise<LabRouter>
    /** Drops the segments and datagrams of a port on the way, like a firewall; undefined ends it. */
    filter(port: number | undefined): void
    /** Drops IP packets of more than this many bytes on the way, without a word; undefined ends it. */
    mtu(bytes: number | undefined): void
    /** Lets another host have this address, too; undefined removes it. */
    steal(ip: string | undefined): void
    /** Changes what the DHCP server of `router` answers. */
    dhcp(mode: "on" | "off" | "refuse" | "unusable"): void
    /**
     * Prepares a failure by its name, as `npm start -- --stage list` prints them: settings of devices that are added later, hosts, and what
     * happens on the wire. The other host is 10.0.0.1; it serves echo if the test has not added it.
     */
    stage(name: string): Promise<void>
    /** Lets time pass: milliseconds, or a text as "1.5 s", "10 min", "1 h", "7 d". */
    pass(time: number | string): Promise<void>
    /**
     * Lets time pass until the condition holds, for at most `limit` ("30 s" when left out). Throws an Error with the ladder when it
     * does not, or when a program ends by an error.
     */
    until(condition: () => boolean, limit?: number | string): Promise<void>
    /** Returns the connections of all devices as ladder diagrams. */
    ladder(): string
    /** Switches everything off. Under vitest this happens by itself at the end of the test. */
    close(): Promise<void>
}
