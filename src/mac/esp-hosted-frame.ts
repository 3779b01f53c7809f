// What ESP-Hosted puts on its wires: esp-hosted-mcu 2.12.12 (commit 9f15cfd), whose files the comments name.

import { Buffer } from "@devicescript/core"

export const enum Transfer {
    /** Every transaction has this many bytes both ways (common/transport/esp_hosted_transport.h, ESP_TRANSPORT_SPI_MAX_BUF_SIZE). */
    Size = 1600,
    /** The most that follows a header. */
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
    /** What the two tell each other at the start. */
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
    /** The co-processor checks and sends checksums (ESP_CHECKSUM_ENABLED; its option CONFIG_ESP_SPI_CHECKSUM). */
    Checksum = 0x80,
}

const enum Block {
    Size = 32,
    /** Masks every other byte of a word. */
    Alternate = 0xff00ff,
}

// reads at constant offsets cost less than reads at a running one
const block = Buffer.alloc(Block.Size)

/** Returns the sum of the first `length` bytes of `b`, in 16 bits (common/transport/esp_hosted_transport.h, compute_checksum). */
export function byteSum(b: Buffer, length: number): number {
    let sum = 0
    let at = 0
    while (at < length) {
        const rest = length - at
        if (rest >= Block.Size) block.blitAt(0, b, at, Block.Size)
        else {
            block.fillAt(0, Block.Size, 0)
            block.blitAt(0, b, at, rest)
        }
        // flat on purpose: two bytes are added in each half of a 32-bit number
        let w = block.getAt(0, "i32")
        let halves = (w & Block.Alternate) + ((w >>> 8) & Block.Alternate)
        w = block.getAt(4, "i32")
        halves += (w & Block.Alternate) + ((w >>> 8) & Block.Alternate)
        w = block.getAt(8, "i32")
        halves += (w & Block.Alternate) + ((w >>> 8) & Block.Alternate)
        w = block.getAt(12, "i32")
        halves += (w & Block.Alternate) + ((w >>> 8) & Block.Alternate)
        w = block.getAt(16, "i32")
        halves += (w & Block.Alternate) + ((w >>> 8) & Block.Alternate)
        w = block.getAt(20, "i32")
        halves += (w & Block.Alternate) + ((w >>> 8) & Block.Alternate)
        w = block.getAt(24, "i32")
        halves += (w & Block.Alternate) + ((w >>> 8) & Block.Alternate)
        w = block.getAt(28, "i32")
        halves += (w & Block.Alternate) + ((w >>> 8) & Block.Alternate)
        sum += (halves & 0xffff) + (halves >>> 16)
        at += Block.Size
    }
    return sum & 0xffff
}
