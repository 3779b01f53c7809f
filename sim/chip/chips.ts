// The table of chips, by their names in board files: `W5500_CS` is a line of chip `w5500`. A new chip needs a driver in src/mac, a
// model in this folder, a line in this table, and a board in boards/.

import type { Board } from "../board/boards"
import { OptionError } from "../options/error"
import type { ChipKind } from "./chip"
import { enc28j60 } from "./enc28j60-kind"
import { espHosted } from "./esp-hosted-kind"
import { w5500 } from "./w5500-kind"
import { wired } from "./wires"

const SPI = ["MISO", "MOSI", "SCK", "CS", "RESET"]

export const chips: { readonly [name: string]: ChipKind } = {
    w5500: wired(w5500, [...SPI, "INT"]),
    enc28j60: wired(enc28j60, [...SPI, "INT"]),
    esp_hosted: wired(espHosted, [...SPI, "HANDSHAKE", "DATA_READY"]),
}

/** Returns the entry of a board's chip. Throws an OptionError for a board whose pins name no chip in the table. */
export function chipOf({ name, chip }: Board): ChipKind {
    if (Object.hasOwn(chips, chip)) return chips[chip]
    const known = Object.keys(chips).join(", ")
    throw new OptionError(`boards/${name}.board.json: its $pins name an unknown chip; known: ${known}`)
}
