// The configuration: each setting has limits, and the error names the setting that is wrong.

import { describe, expect, test } from "vitest"
import { Config, configure } from "../../src/tcp/config"
import { Half, Pace, Tcb } from "../../src/tcp/records"
import { Host } from "../support/host"
import { established, newPeer, synSent } from "../support/states"

const keys = Object.keys(new Config()) as (keyof Config)[]

const set = (key: string, value: number) => {
    const config = new Config()
    configure(config, { [key]: value })
    return config
}

// ---------------------------------------------------------------- Fields
test("the default of each setting is within its limits", () => {
    for (const key of keys) {
        const value = new Config()[key]
        expect(set(key, value)[key], key).toBe(value)
    }
})

test("configure() of one setting changes no other", () => {
    for (const key of keys) {
        const preset = new Config()[key]
        const value = key === "mtu" ? 1499 : preset === 1 ? 0 : preset + 1
        const config = set(key, value)
        expect(config[key]).toBe(value)
        for (const other of keys) if (other !== key) expect(config[other]).toBe(new Config()[other])
    }
})

test("configure() with an unknown setting throws a message that names it and lists the known ones", () => {
    expect(() => set("receivebuffer", 1)).toThrow(
        /unknown configuration key "receivebuffer"; known: .*receiveBuffer/
    )
    for (const key of keys) expect(() => set("nonsense", 1)).toThrow(key)
})

describe("configure() with a value out of limits", () => {
    test.each([
        ["connections", 0],
        ["connections", 2001],
        ["listeners", 0],
        ["neighbours", 0],
        ["receiveBuffer", 63],
        ["receiveBuffer", 65_536],
        ["sendBuffer", 63],
        ["mtu", 575],
        ["mtu", 1501],
        ["ttl", 0],
        ["ttl", 256],
        ["timeWait", 0],
        ["finWait2", 0],
        ["rtoInitial", 0],
        ["rtoMin", 0],
        ["rtoMax", 999],
        ["rtoMax", 65_536],
        ["r2", 999],
        ["r2Syn", 999],
        ["synAckRetries", 16],
        ["challengeInterval", -1],
        ["iss", -2],
        ["iss", 4_294_967_296],
        ["localPort", 65_536],
        ["events", -1],
        ["connections", 1.5],
        ["connections", Number.NaN],
        ["connections", Number.POSITIVE_INFINITY],
        ["connections", "8" as unknown as number],
    ] as const)("configure() with %s=%s throws a message with the limits", (key, value) => {
        expect(() => set(key, value)).toThrow(
            new RegExp(`^${key} must be a whole number from -?\\d+ to \\d+, not ${value}$`)
        )
    })
})

// ---------------------------------------------------------------- What it costs
test("a connection's record takes at most 96 bytes, a half-open one 36", () => {
    expect(Tcb.Size).toBeLessThanOrEqual(96)
    expect(Half.Size).toBeLessThanOrEqual(36)
})

test("the sizes of tables, rings and frame buffers follow from the settings", () => {
    const { stack } = new Host("10.0.0.1", {
        connections: 5,
        halfOpen: 3,
        receiveBuffer: 300,
        sendBuffer: 200,
        mtu: 576,
    })
    expect(stack.conns.map(c => c.length)).toEqual(new Array(5).fill(Tcb.Size + 500 + Pace.Size))
    expect(stack.halves.length).toBe(3 * Half.Size)
    // a frame that comes in may have a tag
    expect([stack.rx.length, stack.tx.length]).toEqual([594, 590])
})

// ---------------------------------------------------------------- What it does that no other test looks at
test("ttl=7: a sent segment has a time to live of 7 (MUST-49)", () => {
    const peer = synSent({ config: { ttl: 7 } })
    peer.sends("S. 0 ack 1")
    expect(peer.seen.splice(0).map(s => s.view.ttl)).toEqual([7])
})

test("a stack with the least of each setting opens, carries 64 octets each way and closes", () => {
    const config = {
        connections: 1,
        halfOpen: 1,
        timeWaits: 0,
        listeners: 1,
        neighbours: 1,
        receiveBuffer: 64,
        sendBuffer: 64,
        events: 0,
        mtu: 576,
    }
    const peer = newPeer({ config }).listens().sends("S 0 <mss 1460>").gets("S. 0 ack 1 <mss 536>")
    peer.sends("P. 1(64) ack 1").gets(". 1 ack 65 win 0").accepts().reads(64).gets(". 1 ack 65 win 64")
    peer.writes(100, 64).gets("P. 1(64) ack 65 win 64").sends("F. 65 ack 65").gets(". 65 ack 66").closes()
    peer.gets("F. 65 ack 66").sends(". 66 ack 66").gets().gone()
})

test("events=0: the ring of events stays empty", () => {
    const peer = established({ config: { events: 0 } })
        .sends("P. 1(5) ack 1")
        .gets(". 1 ack 6")
        .sends("R 7")
        .gets(". 1 ack 6")
    expect(peer.bench.stack.events.count).toBe(0)
})
