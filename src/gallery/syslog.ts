// Sends its log to a syslog server: RFC 5424 messages in UDP datagrams (RFC 5426). Needs a server at SERVER, port 514. In the simulator:
// npm start -- --program src/gallery/syslog.ts --pcap syslog.pcapng
// and then open the capture in Wireshark.

import * as ds from "@devicescript/core"
import { board } from "../board"
import { openUdp, startNetwork } from "../index"
import { networkSettings } from "../socket/network-settings"

const SERVER = "10.0.0.1"
const APP = "greenhouse"

/** RFC 5424 section 6.2.1. */
const enum Severity {
    Error = 3,
    Warning = 4,
    Informational = 6,
}
const enum Facility {
    Local0 = 16,
}

const net = await startNetwork({ mac: board, ...(await networkSettings()) })
const udp = openUdp({})

/** Sends a line to the server; prints it, too, if it cannot be sent. "-" stands for what the message does not say: the server knows the time. */
async function log(severity: Severity, text: string): Promise<void> {
    const priority = Facility.Local0 * 8 + severity
    const error = await udp.send(
        SERVER,
        514,
        `<${priority}>1 - ${net.address()} ${APP} - - - ${printable(text)}`
    )
    if (error) console.warn(`${text} (${error.message})`)
}

/** Returns a text without control characters, which could forge lines of the log; at most 400 characters. */
function printable(text: string): string {
    let clean = ""
    for (let i = 0; i < Math.min(text.length, 400); i++)
        clean += text.charCodeAt(i) < 32 ? " " : text.charAt(i)
    return clean
}

await log(Severity.Informational, `started after ${ds.millis()} ms`)
net.onchange.subscribe(async () => {
    await log(Severity.Warning, net.isUp() ? "the link is up again" : "the link is down")
})
for (let count = 1; ; count++) {
    await ds.sleep(10000)
    const celsius = 20 + (count % 30)
    await log(celsius > 45 ? Severity.Error : Severity.Informational, `it is ${celsius} degrees`)
}
