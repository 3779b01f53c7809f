// The console's command that pings.

import { randomBuffer } from "@devicescript/crypto"
import { swap16 } from "../base/bytes"
import type { Print } from "../inspect/text"
import { Address, decimal, ipv4Of } from "../net/address"
import { Echo, EchoRequest } from "../net/echo-request"
import { isPeer } from "../tcp/calls"
import { TcpError } from "../tcp/records"
import { type Device, explain } from "./commands"

const enum Pings {
    Most = 100,
    /** Requests by default. */
    Count = 4,
    /** Milliseconds from one request to the next, which is also how long a reply may take; and between two checks for a reply. */
    Each = 1000,
    Slice = 10,
}

/** Runs `ping HOST [COUNT]`: sends an echo request every second. `times` is "" if COUNT is missing. */
export async function pingCommand(
    device: Device,
    host: string,
    times: string,
    print: Print
): Promise<string> {
    const ip = ipv4Of(host)
    if (ip === Address.None) return `"${host}" is not an IPv4 address`
    const count = times === "" ? Pings.Count : decimal(times)
    if (count < 1 || count > Pings.Most) return `"${times}" is not a number from 1 to ${Pings.Most}`
    if (!isPeer(device.stack, ip)) return explain(device.stack, TcpError.Invalid)
    const identifier = randomBuffer(2).getAt(0, "u16")
    let came = 0
    for (let i = 1; i <= count; i++) {
        const request = new EchoRequest(device.stack, ip, identifier | (swap16(i) << 16))
        const end = (device.now() + Pings.Each) | 0
        device.services.also = request
        let told = false
        // after the last request the wait ends as soon as its reply arrives
        while (((end - device.now()) | 0) > 0 && !(told && i === count)) {
            if (request.answered && !told) {
                told = true
                came++
                await print(`${host}: ${Echo.Data} bytes, ${request.time} ms`)
            } else {
                if (!request.sent) device.poke()
                await device.sleep(Pings.Slice)
            }
        }
        if (!told) await print(`${host}: no reply`)
    }
    device.services.also = undefined
    if (came === 0) return `0 of ${count} answered`
    await print(`${came} of ${count} answered`)
    return ""
}
