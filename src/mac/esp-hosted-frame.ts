// The format of ESP-Hosted's transactions: esp-hosted-mcu 2.12.12 (commit 9f15cfd), whose files the comments name.

import { Buffer } from "@devicescript/core"

export const enum Transfer {
    /**
     * Bytes of every transaction, in each direction (common/transport/esp_hosted_transport.h, ESP_TRANSPORT_SPI_MAX_BUF_SIZE).
     */
    Size = 1600,
    /** The most bytes that follow a header. */
    Payload = 1588,
}

/** Offsets in a header (common/esp_hosted_header.h, esp_payload_header); numbers are little-endian. */
export const enum Header {
    /** Bits 0 to 3: Interface; bits 4 to 7: its number, 0 but in a dummy. */
    Interface = 0,
    Flags = 1,
    Length = 2,
    /** Of the payload, from the header's first byte. */
    Offset = 4,
    Checksum = 6,
    Sequence = 8,
    /** Bits 0 and 1: 1 asks the host to send no frames, 0 allows it. */
    Throttle = 10,
    /** Type of a packet of the private interface. */
    Packet = 11,
    Size = 12,
}

/** common/esp_hosted_interface.h, esp_hosted_if_type_t. */
export const enum Interface {
    /** Ethernet frames of the station. */
    Station = 1,
    /** RPC. */
    Serial = 3,
    /** Messages that the host and the co-processor exchange at start. */
    Private = 5,
    /** The other side has nothing to send. */
    Dummy = 8,
    /** A dummy's first four bytes from the co-processor (slave/main/spi_slave_api.c, get_next_tx_buffer). */
    CoprocessorDummy = 0xf8,
}

export const enum Flag {
    /** A piece of a message that is not its last. */
    MoreFragments = 1,
}

/** The private interface's event and its entries, each type, length, value (common/transport/esp_hosted_transport_init.h, ESP_PRIV_TAG_TYPE). */
export const enum Init {
    /** ESP_PRIV_EVENT_INIT, then the length of all entries. */
    Event = 0x22,
    /** Offset of the first entry. */
    Entries = 2,
    Capabilities = 0x11,
    Chip = 0x12,
    Firmware = 0x17,
}

export const enum Capability {
    /** True when the co-processor checks and sends checksums (ESP_CHECKSUM_ENABLED; its option CONFIG_ESP_SPI_CHECKSUM). */
    Checksum = 0x80,
}

const enum Block {
    Size = 64,
    /** Masks the first and the third byte of a word. */
    Alternate = 0xff00ff,
}

// reads at constant offsets cost a third of reads at a running one
const block = Buffer.alloc(Block.Size)

/** Returns the sum of the first `length` bytes of `b`, in 16 bits (common/transport/esp_hosted_transport.h, compute_checksum). */
export function byteSum(b: Buffer, length: number): number {
    let sum = 0
    for (let at = 0; at < length; at += Block.Size) {
        const rest = length - at
        if (rest >= Block.Size) block.blitAt(0, b, at, Block.Size)
        else {
            block.fillAt(0, Block.Size, 0)
            block.blitAt(0, b, at, rest)
        }
        // Flat on purpose, and no word is taken apart: of 16 words the sum of their first and third bytes, 65,536 apart, and of the words as
        // they are, exact in a double. What the two differ in are the second and fourth bytes, 256 times too large.
        const some =
            (block.getAt(0, "i32") & Block.Alternate) +
            (block.getAt(4, "i32") & Block.Alternate) +
            (block.getAt(8, "i32") & Block.Alternate) +
            (block.getAt(12, "i32") & Block.Alternate) +
            (block.getAt(16, "i32") & Block.Alternate) +
            (block.getAt(20, "i32") & Block.Alternate) +
            (block.getAt(24, "i32") & Block.Alternate) +
            (block.getAt(28, "i32") & Block.Alternate) +
            (block.getAt(32, "i32") & Block.Alternate) +
            (block.getAt(36, "i32") & Block.Alternate) +
            (block.getAt(40, "i32") & Block.Alternate) +
            (block.getAt(44, "i32") & Block.Alternate) +
            (block.getAt(48, "i32") & Block.Alternate) +
            (block.getAt(52, "i32") & Block.Alternate) +
            (block.getAt(56, "i32") & Block.Alternate) +
            (block.getAt(60, "i32") & Block.Alternate)
        const all =
            block.getAt(0, "u32") +
            block.getAt(4, "u32") +
            block.getAt(8, "u32") +
            block.getAt(12, "u32") +
            block.getAt(16, "u32") +
            block.getAt(20, "u32") +
            block.getAt(24, "u32") +
            block.getAt(28, "u32") +
            block.getAt(32, "u32") +
            block.getAt(36, "u32") +
            block.getAt(40, "u32") +
            block.getAt(44, "u32") +
            block.getAt(48, "u32") +
            block.getAt(52, "u32") +
            block.getAt(56, "u32") +
            block.getAt(60, "u32")
        const halves = some + (((all - some) / 256) | 0)
        sum += (halves & 0xffff) + (halves >>> 16)
    }
    return sum & 0xffff
}
