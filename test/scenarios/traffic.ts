// Clients and data of scenarios.

import type { SpiChip } from "../../sim/chip/chip"
import type { BuiltinHost, HostConnection } from "../../sim/host/host"
import { DEVICE_IP, type Net } from "./net"

/** Returns `length` bytes of all values, as Latin-1 text. */
export function text(length: number): string {
    return Array.from({ length }, (_, i) => String.fromCharCode((i * 7 + (i >> 8)) & 0xff)).join("")
}

/** A peer's connection to the device, and the data it received. */
export interface Client {
    readonly connection: HostConnection
    heard: string
}

/** Opens a connection to the device and queues text on it. */
export async function client(net: Net<SpiChip>, peer: BuiltinHost, port: number, said = ""): Promise<Client> {
    return await net.act(() => {
        const opened: { heard: string; connection?: HostConnection } = { heard: "" }
        const connection = peer.connect(DEVICE_IP, port, {
            data: (_connection, data) => {
                opened.heard += data
            },
        })
        connection.send(said)
        return Object.assign(opened, { connection })
    })
}

/** Opens a connection to the device's echo, sends `length` bytes of text, and returns while some of it is still under way. */
export async function underWay(
    net: Net<SpiChip>,
    peer: BuiltinHost,
    length: number
): Promise<{ said: string; one: Client }> {
    const said = text(length)
    const one = await client(net, peer, 7, said)
    await net.until("a quarter of it", () => one.heard.length > length / 4)
    return { said, one }
}

/** Waits until all of `said` came back. Fails at once when the connection does. */
export async function echoed(net: Net<SpiChip>, one: Client, said: string, limit?: number): Promise<void> {
    const over = () => one.heard.length >= said.length || one.connection.ended
    await net.until("the echo", over, limit)
    if (one.heard !== said) {
        const { length } = one.heard
        throw new Error(
            `${length} of ${said.length} bytes came back, error ${one.connection.error ?? "none"}`
        )
    }
}

/** Asserts that the device serves: a new connection is echoed. */
export async function serves(net: Net<SpiChip>, peer: BuiltinHost): Promise<void> {
    const one = await client(net, peer, 7, "afterwards")
    await echoed(net, one, "afterwards")
    await net.act(() => one.connection.close())
}

/** Returns the counters that `stats` prints, by name. */
export async function stats(net: Net<SpiChip>): Promise<Record<string, number>> {
    const lines = await net.command("stats")
    return Object.fromEntries(
        lines.map(line => {
            const [, count, name] = /^ *(\d+) {2}(.+)$/.exec(line) ?? []
            return [name ?? line, Number(count)]
        })
    )
}
