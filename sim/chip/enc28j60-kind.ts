// The ENC28J60's entry in the table of chips: how the simulator creates one, and its faults.

import type { ChipKind } from "./chip"
import { Enc28j60Chip } from "./enc28j60"
import { chance, count, flag, milliseconds, once, stuck } from "./faults"

export const enc28j60: ChipKind<Enc28j60Chip> = {
    title: "ENC28J60",
    make: options => new Enc28j60Chip(options),
    faults: {
        "miso-errors": chance((chip, value) => {
            chip.faults.misoErrors = value
        }),
        "mosi-errors": chance((chip, value) => {
            chip.faults.mosiErrors = value
        }),
        "miso-stuck": stuck((chip, value) => {
            chip.faults.misoStuck = value
        }),
        "mosi-stuck": stuck((chip, value) => {
            chip.faults.mosiStuck = value
        }),
        dead: stuck((chip, value) => {
            chip.faults.dead = value
        }),
        "brown-out": once((chip, ms) => chip.brownOut(ms)),
        oscillator: milliseconds((chip, ms) => {
            chip.faults.oscillator = Math.max(0.3, ms)
        }),
        "no-link": flag((chip, value) => chip.setLink(!value)),
        "phy-held": flag((chip, value) => {
            chip.faults.phyHeld = value
        }),
        "mii-stuck": flag((chip, value) => {
            chip.faults.miiStuck = value
        }),
        register: {
            form: "bank * 8192 + address * 256 + the new value; a PHY register: 65536 * (1 + address) + the value",
            least: 0,
            most: 0x20_ffff,
            takes: value => value < 0x8000 || value >= 0x1_0000,
            apply: (chip, value) => {
                if (value < 0x8000) chip.change(value >> 8, value & 0xff)
                else chip.change(0xff + (value >> 16), value & 0xffff)
            },
        },
        overflows: count((chip, value) => {
            chip.faults.overflows = value
        }),
        "deaf-after-overflow": flag((chip, value) => {
            chip.faults.deafAfterOverflow = value
        }),
        "lost-decrements": count((chip, value) => {
            chip.faults.lostDecrements = value
        }),
        "wrong-headers": count((chip, value) => {
            chip.faults.nextPackets = new Array<number>(value).fill(0x1fff)
        }),
        "stuck-sends": count((chip, value) => {
            chip.faults.stuckSends = value
        }),
        "late-collisions": count((chip, value) => {
            chip.faults.lateCollisions = value
        }),
        "link-pulses": count((chip, value) => {
            chip.faults.linkPulses = value
        }),
        "excessive-collisions": count((chip, value) => {
            chip.faults.excessiveCollisions = value
        }),
    },
}
