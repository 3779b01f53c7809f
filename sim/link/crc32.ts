// The frame check sequence of Ethernet (IEEE 802.3), for chips whose memory holds it; gzip has the same check (RFC 1952 section 8).

const table = Uint32Array.from({ length: 256 }, (_, n) => {
    for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1
    return n
})

/** Returns the CRC of the bytes by IEEE 802.3, after bytes whose CRC is `before`. Its four bytes are sent in little-endian order. */
export function crc32(bytes: Uint8Array, before = 0): number {
    let crc = ~before
    for (const byte of bytes) crc = table[(crc ^ byte) & 0xff]! ^ (crc >>> 8)
    return ~crc >>> 0
}

/** Returns a frame followed by its FCS. */
export function withFcs(frame: Uint8Array): Uint8Array {
    const packet = new Uint8Array(frame.length + 4)
    packet.set(frame)
    new DataView(packet.buffer).setUint32(frame.length, crc32(frame), true)
    return packet
}
