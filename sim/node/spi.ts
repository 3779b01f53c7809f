// Node runtime: @devicescript/spi for tests that import src/ directly. A simulated device runs DeviceScript's own sources.

import { Buffer, type InputPin, type OutputPin, spiConfigure, spiXfer } from "./core"

export interface SPIConfig {
    miso?: InputPin
    mosi?: OutputPin
    sck?: OutputPin
    mode?: number
    /** Frequency of the bus clock, Hz. */
    hz?: number
}

/** An SPI bus. A test replaces `transfer` of the instance to simulate a chip. */
export class SPI {
    configure(config: SPIConfig): void {
        const { miso, mosi, sck, mode = 0, hz = 1_000_000 } = config
        spiConfigure(miso?.gpio ?? -1, mosi?.gpio ?? -1, sck?.gpio ?? -1, mode, hz)
    }

    /** Sends the bytes and returns those received at the same time. */
    async transfer(bytes: Buffer): Promise<Buffer> {
        const received = Buffer.alloc(bytes.length)
        await spiXfer(bytes, received)
        return received
    }

    async write(bytes: Buffer): Promise<void> {
        await spiXfer(bytes, null)
    }

    async read(count: number): Promise<Buffer> {
        const received = Buffer.alloc(count)
        await spiXfer(null, received)
        return received
    }
}

export const spi = new SPI()
