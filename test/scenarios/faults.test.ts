// The chip fails in the middle of a transfer: the connection survives or ends with an error, and the device goes on serving.

import { expect } from "vitest"
import { tsharkAgrees } from "../support/tshark"
import type { Net } from "./net"
import { type ScenarioSetup, scenario } from "./scenario"
import { echoed, serves, stats, underWay } from "./traffic"

const LENGTH = 4000

/** A scenario in which `trouble` happens in the middle of an echo of 4,000 bytes, which completes. */
function survives(
    name: string,
    setup: ScenarioSetup,
    trouble: (net: Net) => Promise<void> | void,
    after: (counters: Record<string, number>, net: Net) => void
): void {
    scenario(name, setup, async net => {
        const peer = net.host(1)
        const { said, one } = await underWay(net, peer, LENGTH)
        expect(one.heard.length).toBeLessThan((LENGTH * 3) / 4)
        await trouble(net)
        await echoed(net, one, said)
        expect(net.failures).toEqual([])
        await serves(net, peer)
        after(await stats(net), net)
    })
}

for (const header of [0, 1, 15, 300, 1521, 0xffff]) {
    survives(
        `an echo survives a length header of ${header}`,
        {},
        net => {
            net.chip.faults.lengthHeaders = [header]
        },
        counters => {
            expect(counters["driver bad-length"]).toBe(1)
            expect(counters["driver resync"]).toBe(1)
        }
    )
}

survives(
    "an echo survives five frames that the receive memory has no room for",
    {},
    net => {
        net.chip.faults.overflows = 5
    },
    (_counters, net) => {
        expect(net.chip.faults.overflows).toBe(0)
        expect(net.chip.dropped).toBeGreaterThanOrEqual(5)
    }
)

survives(
    "an echo survives three lost SENDOKs without a time-out, by Sn_TX_RD",
    {},
    net => {
        net.chip.faults.lostSendOks = 3
    },
    counters => expect(counters["driver send-timeout"]).toBeUndefined()
)

survives(
    "an echo survives a send that never ends",
    {},
    net => {
        net.chip.faults.stuckSends = 1
    },
    counters => expect(counters["driver send-timeout"]).toBe(1)
)

survives(
    "an echo survives a command that the chip does not take: the driver resets it",
    // the driver writes another command before its next look shows that the chip is stuck
    { misuses: ["command 0x40 while 0x20 is not yet taken"] },
    net => {
        net.chip.faults.untakenCommands = 1
    },
    (counters, net) => {
        expect(counters["driver chip-reset"]).toBe(1)
        expect(net.log).toContain("W5500: answers again")
    }
)

for (const level of [0x00, 0xff] as const) {
    survives(
        `an echo survives a chip that answers 0x${level.toString(16)} for 2 s: one report, one reset`,
        {},
        async net => {
            net.chip.faults.dead = level
            await net.pass(2000)
            net.chip.faults.dead = undefined
        },
        (counters, net) => {
            expect(counters["driver chip-reset"]).toBe(1)
            const [lost, found] = net.log.filter(line => line.startsWith("W5500:"))
            expect(lost).toMatch(/^W5500: does not answer.*; the driver resets the chip until it answers$/)
            expect(found).toBe("W5500: answers again")
        }
    )
}

survives(
    "an echo survives a chip that is silent until its reset pin is pulsed",
    {},
    net => {
        net.chip.faults.resetRevives = true
        net.chip.faults.dead = 0xff
    },
    counters => expect(counters["driver chip-reset"]).toBe(1)
)

survives(
    "an echo survives a reset of the chip that the driver did not make",
    {},
    async net => {
        net.chip.reset(0)
        await net.pass(1)
        net.chip.reset(1)
    },
    (counters, net) => {
        expect(counters["driver chip-reset"]).toBe(1)
        expect(net.log).toContain("W5500: answers again")
    }
)

for (const [what, block, address, value, counter] of [
    ["SHAR", 0, 0x0e, 0x77, "repair"],
    ["PHYCFGR, which holds the PHY in reset,", 0, 0x2e, 0x38, "repair"],
    ["Sn_MR", 1, 0x00, 0x04, "repair"],
    ["Sn_RX_RD", 1, 0x29, 0x77, "resync"],
    ["Sn_RXBUF_SIZE", 1, 0x1e, 0x02, "chip-reset"],
] as const) {
    survives(
        `an echo survives a change of ${what} that the driver did not make`,
        {},
        net => net.chip.change(block, address, value),
        counters => expect(counters[`driver ${counter}`]).toBe(1)
    )
}

survives(
    "an echo survives a brown-out of 30 ms",
    { negotiation: 500 },
    net => net.chip.brownOut(30),
    counters => expect(counters["driver chip-reset"]).toBe(1)
)

for (const line of ["misoStuck", "mosiStuck"] as const) {
    survives(
        `an echo survives ${line} for 300 ms, while the chip goes on`,
        {},
        async net => {
            net.chip.faults[line] = 0xff
            await net.pass(300)
            net.chip.faults[line] = undefined
        },
        counters => expect(counters["driver chip-reset"]).toBe(1)
    )
}

survives(
    "an echo survives a reset after which VERSIONR reads 0 for 20 ms",
    { faults: { versionDelay: 20 } },
    async net => {
        net.chip.reset(0)
        await net.pass(1)
        net.chip.reset(1)
    },
    counters => expect(counters["driver chip-reset"]).toBe(1)
)

survives(
    "an echo survives 3 s without cable and 1.5 s of negotiation",
    { negotiation: 1500 },
    async net => {
        net.chip.setLink(false)
        await net.pass(3000)
        net.chip.setLink(true)
    },
    counters => expect(counters.retransmits).toBeGreaterThan(0)
)

scenario(
    "a chip silent beyond R2 ends the connection, and the device serves when it is back",
    { config: { r2: 20_000 } },
    async net => {
        const peer = net.host(1)
        peer.listen(99, {})
        const { id, port } = await net.connect("10.0.0.1", 99)
        await net.reached(port, "ESTABLISHED")
        net.chip.faults.dead = 0xff
        await net.command(`send ${id} into the void`)
        await net.reached(port, "CLOSED", 60_000)
        // ARP asked for the peer again meanwhile, without an answer: hence this error
        expect(net.failures).toEqual(["EHOSTUNREACH"])
        expect(await net.refusal(`read ${id}`)).toContain("EHOSTUNREACH")
        // reported once, not every second
        expect(
            net.log.filter(line => line.includes("the driver resets the chip until it answers"))
        ).toHaveLength(1)
        net.chip.faults.dead = undefined
        await net.pass(3000)
        expect(net.log.at(-1)).toBe("W5500: answers again")
        await net.command(`close ${id}`)
        await serves(net, peer)
    }
)

scenario("connect without a cable sends nothing, and connects when the cable is back", {}, async net => {
    const peer = net.host(1)
    peer.listen(99, {})
    net.chip.setLink(false)
    await net.pass(500)
    const { port } = await net.connect("10.0.0.1", 99)
    await net.pass(1500)
    expect(net.frames).toEqual([])
    net.chip.setLink(true)
    await net.reached(port, "ESTABLISHED")
    await serves(net, peer)
})

scenario("an echo survives 30 broadcasts that overflow the receive memory", {}, async net => {
    const peer = net.host(1)
    const junk = new Uint8Array(1514).fill(0x5a)
    // a broadcast of an unknown type
    junk.set([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 10, 0, 0, 9, 0x88, 0xb5])
    const { said, one } = await underWay(net, peer, LENGTH)
    const before = net.chip.dropped
    // the device cannot read while these arrive
    for (let i = 0; i < 30; i++) net.chip.deliver(junk)
    expect(net.chip.dropped).toBeGreaterThan(before + 15)
    await echoed(net, one, said)
    const counters = await stats(net)
    expect(counters["unknown-type"]).toBe(30 - (net.chip.dropped - before))
    expect(counters["driver bad-length"]).toBeUndefined()
    await serves(net, peer)
})

tsharkAgrees()
