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
    /** Pins whose level the chip reads when it starts. */
    readonly straps?: readonly Strap[]
}

interface Strap {
    readonly gpio: number
    /** The level without which the board does not start its program. */
    readonly must?: "high" | "low"
    /** What the level decides. */
    readonly why: string
}

const FLASH = "the chip's flash memory is on it"
const USB = "the USB port is on it"

const DOWNLOAD = "low at a start, the chip waits for a download instead of running"

// straps by the data sheets: ESP32 5.2 section 3 (strapping pins), ESP32-S3 2.0 section 3, ESP32-C3 2.1 section 3 (boot configurations);
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
        straps: [
            { gpio: 0, must: "high", why: DOWNLOAD },
            { gpio: 2, why: "high at a start, it keeps the board from being flashed" },
            {
                gpio: 5,
                why: "its level at a start sets the timing of the chip's SDIO, which nothing here uses",
            },
            {
                gpio: 12,
                must: "low",
                why: "high at a start, the flash memory gets 1.8 V, and the chip cannot read its program",
            },
            { gpio: 15, why: "low at a start, the chip's own messages at start are missing on the console" },
        ],
    },
    esp32s3: {
        name: "ESP32-S3",
        reserved: [
            { from: 26, to: 32, why: FLASH },
            { from: 19, to: 20, why: USB },
        ],
        straps: [
            { gpio: 0, must: "high", why: DOWNLOAD },
            { gpio: 3, why: "its level at a start may choose where a debugger is connected" },
            {
                gpio: 45,
                must: "low",
                why: "high at a start, the flash memory gets 1.8 V, and the chip cannot read its program",
            },
            { gpio: 46, why: "high at a start, it keeps the board from being flashed" },
        ],
    },
    esp32c3: {
        name: "ESP32-C3",
        reserved: [
            { from: 11, to: 17, why: FLASH },
            { from: 18, to: 19, why: USB },
        ],
        straps: [
            { gpio: 2, why: "it should be high at a start: put a resistor of 10 kOhm to 3.3 V there" },
            { gpio: 8, why: "low at a start, it keeps the board from being flashed" },
            { gpio: 9, must: "high", why: DOWNLOAD },
        ],
    },
} satisfies { [arch: string]: Mcu }

export function isArch(name: string): name is Arch {
    return Object.hasOwn(MCUS, name)
}

/** Lines that the board drives. */
const OUTPUTS = ["MOSI", "SCK", "CS", "RESET"]

/**
 * The level of each line while the board starts: chip select and reset have pull-ups, a chip drives its interrupt line high until its first
 * interrupt, and a Wi-Fi module's lines are low until it has started. The others follow the pin's own resistor.
 */
const AT_START: { readonly [line: string]: "high" | "low" } = {
    CS: "high",
    RESET: "high",
    INT: "high",
    HANDSHAKE: "low",
    DATA_READY: "low",
}

/** Returns the strap of a pin, if the pin has one. */
function strapOf(arch: Arch, gpio: number): Strap | undefined {
    const { straps }: Mcu = MCUS[arch]
    return straps?.find(strap => strap.gpio === gpio)
}

/** Returns what to mind of a wiring that can work, a line each: pins whose level decides how the microcontroller starts. */
export function wiringWarnings({ arch, wiring, pins }: Wired): string[] {
    return Object.entries(wiring).flatMap(([line, label]) => {
        const strap = strapOf(arch, pins[label] ?? -1)
        if (strap === undefined) return []
        return [
            `${line} is on ${label}: ${MCUS[arch].name} GPIO${strap.gpio} decides how the chip starts; ${strap.why}`,
        ]
    })
}

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
        const { must, why = "" } = strapOf(arch, gpio) ?? {}
        if (must !== undefined && AT_START[line] !== undefined && AT_START[line] !== must)
            return `${line} cannot be on ${label}: that line is ${AT_START[line]} at a start, and GPIO${gpio} of the ${MCUS[arch].name} decides there; ${why}`
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
