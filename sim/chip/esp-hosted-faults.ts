// What a modelled Wi-Fi co-processor does wrong on request. Every field may be changed at any time; nothing is wrong until one is.

export class EspHostedFaults {
    /** The chance that a bit on MISO, or on MOSI, arrives inverted. */
    misoErrors = 0
    mosiErrors = 0
    /** What every byte on the line reads as. */
    misoStuck: 0x00 | 0xff | undefined
    mosiStuck: 0x00 | 0xff | undefined
    /** The level that HANDSHAKE, or DATA_READY, stays at: a wire that is broken, or shorted. */
    handshakeStuck: 0 | 1 | undefined
    dataReadyStuck: 0 | 1 | undefined
    /** N packets whose arrival does not raise DATA_READY. */
    lostInterrupts = 0
    /** N packets to the host that arrive with a byte changed after the checksum was made. */
    checksumErrors = 0
    /** N transactions of which the host gets only the first 700 bytes, as if the clock had stopped. */
    cuts = 0
    /** N requests that get no response. */
    unanswered = 0
    /** N station frames from the host that are lost in the air. */
    lostFrames = 0
    /** Milliseconds that each frame to the air takes, on a channel that others use too. */
    airTime = 0
    /** The firmware's version as major << 16 | minor << 8 | patch. */
    version: number | undefined
    /** The firmware was built without checksums; counts from the next boot on. */
    noChecksum = false
    /** The module does not start, as it has no firmware, or no power. */
    dead = false
}
