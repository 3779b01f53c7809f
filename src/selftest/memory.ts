// Tests the SPI bus in both directions: sends patterns to a chip's memory and reads them back.

import * as ds from "@devicescript/core"
import { Buffer } from "@devicescript/core"
import { failed, passed } from "./report"

const enum Test {
    /** Bytes that are written and read back in each round. */
    Bytes = 256,
    Rounds = 8,
}

/**
 * Writes patterns to a chip's memory, reads them back and compares. `write` and `read` exchange one SPI frame with the chip; the
 * buffer has room for their `head` bytes before the data.
 */
export async function testMemory(
    head: number,
    write: (frame: Buffer) => Promise<void>,
    read: (frame: Buffer) => Promise<void>
): Promise<void> {
    const frame = Buffer.alloc(head + Test.Bytes)
    let wrong = 0
    const start = ds.millis()
    for (let round = 0; round < Test.Rounds; round++) {
        for (let i = 0; i < Test.Bytes; i++) frame.setAt(head + i, "u8", pattern(round, i))
        await write(frame)
        frame.fillAt(head, Test.Bytes, 0)
        await read(frame)
        for (let i = 0; i < Test.Bytes; i++) if (frame.getAt(head + i, "u8") !== pattern(round, i)) wrong++
    }
    const bytes = Test.Rounds * Test.Bytes
    if (wrong === 0)
        passed("spi", `${bytes} bytes to the chip and back without an error, ${ds.millis() - start} ms`)
    else failed("spi", `${wrong} of ${bytes} bytes came back wrong: shorten the cables, or set a lower hz`)
}

/** Returns a byte of a round's pattern: bits that alternate, bytes that alternate, bytes that differ. */
function pattern(round: number, i: number): number {
    if (round === 0) return 0x55
    if (round === 1) return 0xaa
    if (round === 2) return i & 1 ? 0xff : 0x00
    return (i * (2 * round + 1) + round) & 0xff
}
