// What is wrong with a device's chip, as the driver reports it and as the simulator knows it.

import { listed, moment } from "./diagnosis"
import type { Evidence } from "./evidence"

/** What the simulator's faults do (docs/simulator.md). */
const faultWords: { readonly [name: string]: string } = {
    "brown-out": "the chip's supply fails for a moment",
    dead: "the chip is dead: it neither receives nor sends",
    "deaf-after-overflow": "the chip receives nothing after an overflow",
    "deaf-after-reset": "the chip ignores everything for a while after a reset",
    "lost-send-oks": "the chip does not report that a frame was sent",
    "mii-stuck": "no transaction with its PHY ends",
    "miso-errors": "bits on the SPI bus to the board flip",
    "miso-stuck": "the line MISO is stuck",
    "mosi-errors": "bits on the SPI bus to the chip flip",
    "mosi-stuck": "the line MOSI is stuck",
    "no-link": "the chip has no link",
    oscillator: "the chip's crystal starts late",
    overflows: "the chip's memory is full, so it drops what it receives",
    "phy-held": "the chip's PHY stays in reset, so it has no link",
    "send-delay": "the chip is slow to send",
    "size-ahead": "the chip announces frames before they are in memory",
    "stuck-sends": "the chip never ends sending a frame",
    "untaken-commands": "the chip takes no commands",
    "version-delay": "the chip is slow to start",
    "wire-cs": "the wire of the chip select (CS) is broken",
    "wire-int": "the wire of the interrupt line (INT) is broken",
    "wire-miso": "the wire MISO is broken",
    "wire-mosi": "the wire MOSI is broken",
    "wire-reset": "the wire of the reset line is broken",
    "wire-sck": "the wire of the SPI clock (SCK) is broken",
}

/** What to do about a chip. */
export const LOOK_AT_CHIP =
    "look at the chip, its wires and its link; the self test of a board names what is wrong"

/** What a driver prints of its chip; the last form says that all is well again. */
const COMPLAINT = /^((?:W5500|ENC28J60|ESP-Hosted)[^:]*): (.*)$/
const WELL = /\banswers again\b/

/** Notes a line of the program; only a driver's is about the chip. */
export function noteDriver(evidence: Evidence, text: string, time: number): void {
    const [, chip, words = ""] = COMPLAINT.exec(text) ?? []
    if (chip === undefined || WELL.test(words)) return
    evidence.complaint = { time, text: `the ${chip} ${words.split(";", 1)[0]}` }
}

/** Faults that last, and with which a chip loses frames. */
const LOSING = ["miso-errors", "mosi-errors", "overflows", "register", "untaken-commands"]

/** Returns true for a fault that explains frames which the device's program did not get or send. */
export function losesFrames(name: string): boolean {
    return LOSING.includes(name)
}

/** Returns what is wrong with the device's chip since `since` (ms), in words, of the faults for which `isCause` is true; undefined if nothing is known. */
export function chipTrouble(
    { faults, complaint }: Evidence,
    since: number,
    isCause = (_name: string) => true
): string | undefined {
    const causes = [...faults].filter(([name]) => isCause(name))
    if (causes.length > 0)
        return listed(
            causes.map(
                ([name, { time }]) =>
                    `${faultWords[name] ?? "the chip does not work as it should"} (fault ${name}, since ${moment(time)})`
            )
        )
    return complaint !== undefined && complaint.time >= since
        ? `the driver reported at ${moment(complaint.time)} that ${complaint.text}`
        : undefined
}
