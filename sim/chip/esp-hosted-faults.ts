// The faults that the model of a Wi-Fi co-processor can be given. Every field may be changed at any time; a new model has no
// fault.

export class EspHostedFaults {
    /** The chance that a bit on MISO, or on MOSI, arrives inverted. */
    misoErrors = 0
    mosiErrors = 0
    /** The value that every byte on the line reads as. */
    misoStuck: 0x00 | 0xff | undefined
    mosiStuck: 0x00 | 0xff | undefined
    /** The level at which HANDSHAKE, or DATA_READY, stays because its wire is broken or shorted. */
    handshakeStuck: 0 | 1 | undefined
    dataReadyStuck: 0 | 1 | undefined
    /** The number of packets whose arrival does not raise DATA_READY. */
    lostInterrupts = 0
    /** The number of packets to the host that arrive with a byte changed after the checksum was computed. */
    checksumErrors = 0
    /** The number of transactions of which the host gets only the first 700 bytes, as if the clock had stopped. */
    cuts = 0
    /** The number of requests that get no response. */
    unanswered = 0
    /** The number of station frames from the host that are lost in the air. */
    lostFrames = 0
    /** Milliseconds that each frame takes in the air, on a channel that other stations use, too. */
    airTime = 0
    /** The SPI mode that the firmware was built for: 2 on the first ESP32, 3 on all others (slave/main/Kconfig.projbuild). */
    spiMode = 3
    /** The firmware's version as major << 16 | minor << 8 | patch. */
    version: number | undefined
    /** True when the firmware was built without checksums; takes effect at the next boot. */
    noChecksum = false
    /** True when the module does not start because it has no firmware, or no power. */
    dead = false
}
