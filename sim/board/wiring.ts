// Checks a wiring against what the pins of a microcontroller can do under DeviceScript's firmware.

/** A microcontroller, by the `archId` of board files. */
export type Arch = keyof typeof MCUS

export interface Wired {
    readonly arch: Arch
    /** The label of the pin to which each line of the chip is wired. */
    readonly wiring: { readonly [line: string]: string }
    /** GPIO numbers by label. */
    readonly pins: { readonly [label: string]: number }
}

interface Mcu {
    readonly name: string
    /** Pins that must not be wired at all, with the reason. */
    readonly reserved: readonly { readonly from: number; readonly to: number; readonly why: string }[]
    /** Pins without an output driver: first and last. */
    readonly inputOnly?: readonly [number, number]
}

const FLASH = "the chip's flash memory is on it"
const USB = "the USB port is on it"

// pins by the firmware's arch.json files; input-only pins by the ESP32 data sheet 5.2, table 2-1 (GPIO34 to 39: input only)
const MCUS = {
    rp2040: { name: "RP2040", reserved: [] },
    esp32: {
        name: "ESP32",
        reserved: [
            { from: 6, to: 11, why: FLASH },
            { from: 1, to: 1, why: "the serial port of the USB socket is on it" },
            { from: 3, to: 3, why: "the serial port of the USB socket is on it" },
        ],
        inputOnly: [34, 39],
    },
    esp32s3: {
        name: "ESP32-S3",
        reserved: [
            { from: 26, to: 32, why: FLASH },
            { from: 19, to: 20, why: USB },
        ],
    },
    esp32c3: {
        name: "ESP32-C3",
        reserved: [
            { from: 11, to: 17, why: FLASH },
            { from: 18, to: 19, why: USB },
        ],
    },
} satisfies { [arch: string]: Mcu }

export function isArch(name: string): name is Arch {
    return Object.hasOwn(MCUS, name)
}

/** Lines that the board drives. */
const OUTPUTS = ["MOSI", "SCK", "CS", "RESET"]

/** Returns why a wiring cannot work, in one line; undefined when it can. */
export function wiringProblem({ arch, wiring, pins }: Wired): string | undefined {
    const taken = new Map<number, string>()
    for (const [line, label] of Object.entries(wiring)) {
        const gpio = Object.hasOwn(pins, label) ? pins[label] : undefined
        if (gpio === undefined)
            return `${line} is on ${label}, which is not a pin of the board: ${Object.keys(pins).join(", ")}`
        const other = taken.get(gpio)
        if (other !== undefined) return `${line} and ${other} are both on ${label}`
        taken.set(gpio, line)
        const problem = pinProblem(arch, gpio, OUTPUTS.includes(line))
        if (problem !== undefined) return `${line} cannot be on ${label}: ${problem}`
    }
    const [miso, mosi, sck] = ["MISO", "MOSI", "SCK"].map(line => pins[wiring[line] ?? ""])
    if (miso === undefined || mosi === undefined || sck === undefined)
        return "the wiring needs MISO, MOSI and SCK"
    return spiProblem(arch, { miso, mosi, sck })
}

/** Returns why a pin cannot be an output, or an input; undefined when it can. */
export function pinProblem(arch: Arch, gpio: number, output: boolean): string | undefined {
    const { name, reserved, inputOnly }: Mcu = MCUS[arch]
    const kept = reserved.find(({ from, to }) => from <= gpio && gpio <= to)
    if (kept !== undefined) return `GPIO${gpio} of the ${name} is not free, ${kept.why}`
    if (output && inputOnly !== undefined && inputOnly[0] <= gpio && gpio <= inputOnly[1])
        return `GPIO${gpio} of the ${name} is an input only, like all from ${inputOnly[0]} to ${inputOnly[1]}`
    return undefined
}

/**
 * Returns why the firmware cannot drive an SPI bus on three pins; undefined when it can. The ESP32's SPI2 reaches any pins
 * (main/spi.c of devicescript-esp32). On the RP2040 each pin has one function of one SPI block (RP2040 data sheet, section 1.4.3), and only
 * SPI0 can receive: src/spi.c of devicescript-pico takes the receive DMA's address from `spi_default`.
 */
export function spiProblem(arch: Arch, bus: { miso: number; mosi: number; sck: number }): string | undefined {
    for (const [line, gpio] of Object.entries(bus)) {
        const problem = pinProblem(arch, gpio, line !== "miso")
        if (problem !== undefined) return `${line.toUpperCase()} cannot be on GPIO${gpio}: ${problem}`
    }
    if (arch !== "rp2040") return undefined
    for (const [line, gpio] of Object.entries(bus)) {
        const name = line.toUpperCase()
        const function_ = RP2040_FUNCTIONS[line as keyof typeof bus]
        const able = [0, 4, 16, 20].map(first => `GP${first + function_}`).join(", ")
        if (gpio % 4 !== function_)
            return `${name} cannot be on GP${gpio}: that pin has no ${name} of SPI0; ${able} have`
        if (((gpio >> 3) & 1) === 1)
            return `${name} cannot be on GP${gpio}: that is SPI1, with which DeviceScript's firmware cannot receive; ${able} are of SPI0`
    }
    return undefined
}

/** The remainder by 4 of the GPIO numbers that have each function of an SPI block. */
const RP2040_FUNCTIONS = { miso: 0, sck: 2, mosi: 3 } as const
