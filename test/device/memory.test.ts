import { Buffer } from "@devicescript/core"
import { expect, test } from "vitest"
import { configuredBytes } from "../../src/device/memory"
import { Tcb } from "../../src/tcp/records"
import { ConsoleBench } from "./console-bench"

/** All buffers that can be reached from an object. */
function buffersOf(root: object, found = new Set<Buffer>(), seen = new Set<object>()): Set<Buffer> {
    if (seen.has(root)) return found
    seen.add(root)
    for (const value of Object.values(root)) {
        if (value instanceof Buffer) found.add(value)
        else if (typeof value === "object" && value !== null) buffersOf(value, found, seen)
    }
    return found
}

function sum(buffers: Iterable<Buffer>): number {
    let bytes = 0
    for (const buffer of buffers) bytes += buffer.length
    return bytes
}

/** The bytes in front of an owner's name. */
function bytesOf(rows: string[], owner: string): number {
    return Number.parseInt(rows.find(row => row.slice(8).startsWith(owner))!, 10)
}

const configurations: { [key: string]: number }[] = [
    {},
    {
        connections: 3,
        halfOpen: 5,
        listeners: 2,
        neighbours: 1,
        receiveBuffer: 100,
        sendBuffer: 77,
        mtu: 576,
        events: 9,
    },
    { connections: 1, events: 0 },
]

test.each(configurations)(
    "the rows of memory add up to all buffers of the device with config %j",
    async config => {
        const bench = new ConsoleBench(config)
        const rows = await bench.ok("memory")
        const { stack } = bench
        expect(bytesOf(rows, "connections:")).toBe(stack.conns.length * Tcb.Size)
        expect(bytesOf(rows, "rings:")).toBe(stack.conns.length * (stack.sendSize + stack.receiveSize))
        expect(bytesOf(rows, "half-open connections:")).toBe(stack.halves.length)
        expect(bytesOf(rows, "listeners:")).toBe(stack.listeners.length)
        expect(bytesOf(rows, "neighbours:")).toBe(stack.neighbours.length)
        expect(bytesOf(rows, "events:")).toBe(sum(buffersOf(stack.events)))
        expect(bytesOf(rows, "frames:")).toBe(stack.rx.length + stack.tx.length)
        expect(bytesOf(rows, "counters:")).toBe(stack.counters.length)
        expect(bytesOf(rows, "driver")).toBe(sum(buffersOf(bench.mac)))
        const all = sum(
            new Set([
                ...stack.conns,
                ...buffersOf(stack),
                ...buffersOf(bench.services),
                ...buffersOf(bench.mac),
            ])
        )
        expect(bytesOf(rows, "in all")).toBe(all)
        const parts = rows.slice(1, -1).map(row => Number.parseInt(row, 10))
        expect(parts.reduce((a, b) => a + b)).toBe(all)
    }
)

test("the rows of memory have the number and size of records", async () => {
    const rows = await new ConsoleBench().ok("memory")
    expect(rows[0]).toBe(" bytes  owner")
    expect(rows[1]).toMatch(/^ +\d+ {2}connections: 8 of \d+$/)
    expect(rows[2]).toBe(" 16384  rings: 8 of 1024 to send and 1024 received")
    for (const row of rows.slice(1)) {
        const product = /^ *(\d+) .*: (\d+) of (\d+)$/.exec(row)
        if (product !== null) expect(Number(product[1])).toBe(Number(product[2]) * Number(product[3]))
    }
})

test.each(configurations)("configuredBytes() is what the stack allocates with config %j", config => {
    const { stack, services } = new ConsoleBench(config)
    // what is not in the difference to this one does not depend on the configuration
    const base = new ConsoleBench({
        connections: 1,
        halfOpen: 1,
        listeners: 1,
        neighbours: 1,
        receiveBuffer: 64,
        sendBuffer: 64,
        mtu: 576,
        events: 0,
    })
    const all = sum(new Set([...stack.conns, ...buffersOf(stack), ...buffersOf(services)]))
    const least = sum(new Set([...buffersOf(base.stack), ...buffersOf(base.services)]))
    expect(configuredBytes(stack.config) - configuredBytes(base.stack.config)).toBe(all - least)
})
