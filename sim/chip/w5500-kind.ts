// The W5500's entry in the table of chips: how the simulator creates one, and its faults.

import type { ChipKind } from "./chip"
import { chance, count, flag, milliseconds, once, stuck } from "./faults"
import { W5500Chip } from "./w5500"

export const w5500: ChipKind<W5500Chip> = {
    title: "W5500",
    make: options => new W5500Chip(options),
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
        "no-link": flag((chip, value) => chip.setLink(!value)),
        "phy-held": flag((chip, value) => {
            chip.faults.phyHeld = value
        }),
        register: {
            form: "block * 65536 + address * 256 + the new value; block 0 is the common one, 1 socket 0",
            least: 0,
            most: 0x1f_ffff,
            apply: (chip, value) => chip.change(value >> 16, (value >> 8) & 0xff, value & 0xff),
        },
        "size-ahead": milliseconds((chip, ms) => {
            chip.faults.sizeAhead = ms
        }, 2),
        "version-delay": milliseconds((chip, ms) => {
            chip.faults.versionDelay = ms
        }),
        "deaf-after-reset": milliseconds((chip, ms) => {
            chip.faults.deafAfterReset = ms
        }),
        "send-delay": milliseconds((chip, ms) => {
            chip.faults.sendDelay = ms
        }),
        overflows: count((chip, value) => {
            chip.faults.overflows = value
        }),
        "lost-send-oks": count((chip, value) => {
            chip.faults.lostSendOks = value
        }),
        "stuck-sends": count((chip, value) => {
            chip.faults.stuckSends = value
        }),
        "untaken-commands": count((chip, value) => {
            chip.faults.untakenCommands = value
        }),
    },
}
