// The Wi-Fi module's entry in the table of chips: how the simulator creates one, and the faults of the module and its access
// point.

import { AuthMode, Reason } from "./access-point"
import type { ChipKind } from "./chip"
import { EspHostedChip } from "./esp-hosted"
import { ResetReason } from "./esp-hosted-rpc"
import { chance, count, event, flag, level, milliseconds, once, stuck } from "./faults"

export const espHosted: ChipKind<EspHostedChip> = {
    title: "ESP-Hosted Wi-Fi",
    make: options => new EspHostedChip(options),
    boot: ({ ssid, password }) => ({ network: { ssid, password } }),
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
        "handshake-stuck": level((chip, value) => {
            chip.faults.handshakeStuck = value
        }),
        "data-ready-stuck": level((chip, value) => {
            chip.faults.dataReadyStuck = value
        }),
        "lost-interrupts": count((chip, value) => {
            chip.faults.lostInterrupts = value
        }),
        "checksum-errors": count((chip, value) => {
            chip.faults.checksumErrors = value
        }),
        cuts: count((chip, value) => {
            chip.faults.cuts = value
        }),
        unanswered: count((chip, value) => {
            chip.faults.unanswered = value
        }),
        "lost-frames": count((chip, value) => {
            chip.faults.lostFrames = value
        }),
        "air-time": milliseconds((chip, ms) => {
            chip.faults.airTime = ms
        }),
        stall: once((chip, ms) => chip.stall(ms)),
        reboot: event(chip => chip.reboot(ResetReason.Panic)),
        "brown-out": once(chip => chip.reboot(ResetReason.BrownOut), 1),
        dead: flag((chip, value) => {
            chip.faults.dead = value
            chip.reboot(ResetReason.PowerOn)
        }),
        "no-checksum": flag((chip, value) => {
            chip.faults.noChecksum = value
            chip.reboot(ResetReason.PowerOn)
        }),
        "spi-mode": {
            form: "the SPI mode of the module's firmware, 1 to 3",
            least: 1,
            most: 3,
            on: 2,
            off: 3,
            apply: (chip, value) => {
                chip.faults.spiMode = value
            },
        },
        version: {
            form: "major * 65536 + minor * 256 + patch, or -1 for the release's own",
            least: -1,
            most: 0xff_ffff,
            off: -1,
            apply: (chip, value) => {
                chip.faults.version = value < 0 ? undefined : value
                chip.reboot(ResetReason.PowerOn)
            },
        },
        "no-link": flag((chip, value) => chip.setLink(!value)),
        "other-password": flag((chip, value) => {
            chip.accessPoint.password = value ? "another one" : chip.password
            chip.deauthenticate(Reason.AuthLeave)
        }),
        "other-ssid": flag((chip, value) => {
            chip.accessPoint.ssid = value ? "another network" : chip.ssid
            chip.deauthenticate(Reason.AuthLeave)
        }),
        open: flag((chip, value) => {
            chip.accessPoint.authMode = value ? AuthMode.Open : AuthMode.Wpa2
            chip.deauthenticate(Reason.AuthLeave)
        }),
        wpa3: flag((chip, value) => {
            chip.accessPoint.authMode = value ? AuthMode.Wpa3 : AuthMode.Wpa2
            chip.deauthenticate(Reason.AuthLeave)
        }),
        deauthenticate: {
            form: "an IEEE 802.11 reason code, 1 to 254",
            least: 1,
            most: 254,
            on: Reason.AuthLeave,
            apply: (chip, reason) => chip.deauthenticate(reason),
        },
        roam: event(chip => chip.roam()),
        signal: {
            form: "dBm without its sign, 20 to 100",
            least: 20,
            most: 100,
            off: 52,
            apply: (chip, value) => {
                chip.accessPoint.rssi = -value
            },
        },
    },
}
