// The ENC28J60 misbehaves in the middle of a transfer: the connection survives, every byte is right, and the device serves on.

import { expect } from "vitest"
import type { Enc28j60Chip } from "../../sim/chip/enc28j60"
import { PhyReg, Reg } from "../../sim/chip/enc28j60-map"
import type { Net } from "./net"
import { scenario } from "./scenario"
import { echoed, serves, stats, underWay } from "./traffic"

const LENGTH = 4000
/** Milliseconds within which the device serves again once a fault is over. */
const BACK = 5000

type EncNet = Net<Enc28j60Chip>

/**
 * A transfer in whose middle something happens, and which comes to a good end. `isMisused`: what happens makes the chip's model note a misuse, as
 * the driver then talks to a chip that is not as it believes.
 */
function survives(
    name: string,
    trouble: (net: EncNet) => Promise<void> | void,
    after: (counters: Record<string, number>) => void,
    isMisused = false
): void {
    scenario<Enc28j60Chip>(name, { board: "pico_enc28j60" }, async net => {
        const peer = net.host(1)
        const { said, one } = await underWay(net, peer, LENGTH)
        expect(one.heard.length).toBeLessThan((LENGTH * 3) / 4)
        await trouble(net)
        const from = net.clock.now()
        await serves(net, peer)
        expect(net.clock.now() - from).toBeLessThan(BACK)
        await echoed(net, one, said)
        expect(net.failures).toEqual([])
        after(await stats(net))
        if (isMisused) net.chip.misuses.length = 0
    })
}

for (const header of [0, 2, 71, 0x1fff, 0xffff]) {
    survives(
        `the next packet is at ${header}`,
        net => {
            net.chip.faults.nextPackets = [header]
        },
        counters => {
            expect(counters["driver bad-length"]).toBe(1)
            expect(counters["driver resync"]).toBe(1)
        }
    )
}

survives(
    "five frames find no room in receive memory",
    net => {
        net.chip.faults.overflows = 5
    },
    counters => expect(counters["driver resync"]).toBeGreaterThanOrEqual(1)
)

survives(
    "receive memory overflows, and the chip is deaf then",
    net => {
        net.chip.faults.deafAfterOverflow = true
        net.chip.faults.overflows = 1
    },
    counters => expect(counters["driver resync"]).toBe(1)
)

survives(
    "a decrement of the packet counter is lost",
    net => {
        net.chip.faults.lostDecrements = 1
    },
    counters => expect(counters["driver resync"]).toBe(1)
)

for (const fault of ["lateCollisions", "linkPulses"] as const) {
    survives(
        `${fault}: frames are sent again`,
        net => {
            net.chip.faults[fault] = 20
        },
        counters => expect(counters["driver chip-reset"]).toBeUndefined()
    )
}

survives(
    "three transmissions end in excessive collisions",
    net => {
        net.chip.faults.excessiveCollisions = 3
    },
    counters => expect(counters["driver send-timeout"]).toBe(3)
)

survives(
    "a transmission never ends",
    net => {
        net.chip.faults.stuckSends = 1
    },
    counters => expect(counters["driver send-timeout"]).toBe(1)
)

for (const level of [0x00, 0xff] as const) {
    survives(
        `the chip answers ${level} to everything for 2 s`,
        async net => {
            net.chip.faults.dead = level
            await net.pass(2000)
            net.chip.faults.dead = undefined
        },
        counters => expect(counters["driver chip-reset"]).toBe(1)
    )

    for (const line of ["misoStuck", "mosiStuck"] as const) {
        survives(
            `${line} at ${level} for 300 ms, while the chip goes on`,
            async net => {
                net.chip.faults[line] = level
                await net.pass(300)
                net.chip.faults[line] = undefined
            },
            counters =>
                expect(
                    (counters["driver chip-reset"] ?? 0) + (counters["driver repair"] ?? 0)
                ).toBeGreaterThan(0),
            true
        )
    }
}

survives(
    "the chip is reset behind the driver's back",
    async net => {
        net.chip.reset(0)
        await net.pass(1)
        net.chip.reset(1)
    },
    counters => expect(counters["driver repair"]).toBe(1),
    true
)

for (const ms of [1, 30, 1000]) {
    survives(
        `the chip's supply dips for ${ms} ms`,
        async net => {
            net.chip.brownOut(ms)
            await net.pass(ms)
        },
        counters =>
            expect((counters["driver chip-reset"] ?? 0) + (counters["driver repair"] ?? 0)).toBeGreaterThan(
                0
            ),
        true
    )
}

for (const [name, register, value] of [
    ["MAADR2", Reg.MAADR2, 0x99],
    ["ERXST", Reg.ERXST, 0x40],
    ["ERXRDPT", Reg.ERXRDPT + 1, 0x00],
    ["ERXFCON", Reg.ERXFCON, 0x00],
    ["MACON1", Reg.MACON1, 0x00],
    ["MACON3", Reg.MACON3, 0x00],
    ["MAMXFL", Reg.MAMXFL + 1, 0x00],
    ["ECON1", Reg.ECON1, 0x40],
    ["ECON2: power save", Reg.ECON2, 0xa0],
    ["PHCON1: loopback", 0x100 + PhyReg.PHCON1, 0x4000],
    ["PHCON2: transmitter off", 0x100 + PhyReg.PHCON2, 0x2100],
] as const) {
    survives(
        `${name} changes`,
        net => net.chip.change(register, value),
        () => {},
        true
    )
}

survives(
    "the cable is out for 2 s",
    async net => {
        net.chip.setLink(false)
        await net.pass(2000)
        net.chip.setLink(true)
    },
    counters => expect(counters["driver chip-reset"]).toBeUndefined()
)

survives(
    "the PHY is held in reset for 2 s",
    async net => {
        net.chip.faults.phyHeld = true
        await net.pass(2000)
        net.chip.faults.phyHeld = false
    },
    counters => expect(counters["driver chip-reset"]).toBeUndefined()
)

survives(
    "the MII bus hangs for 2 s, and the chip is reset in it",
    async net => {
        net.chip.faults.miiStuck = true
        net.chip.reset(0)
        await net.pass(1)
        net.chip.reset(1)
        await net.pass(2000)
        net.chip.faults.miiStuck = false
    },
    counters => expect(counters["driver chip-reset"]).toBe(1),
    true
)

for (const line of ["misoErrors", "mosiErrors"] as const) {
    survives(
        `${line}: a bit in 10,000 flips for 3 s`,
        async net => {
            net.chip.faults[line] = 1e-4
            await net.pass(3000)
            net.chip.faults[line] = 0
        },
        () => {},
        true
    )
}
