// Finds and opens a board's serial port over USB. The package serialport comes with DeviceScript's command line tool on machines
// where it can be built.

import { existsSync } from "node:fs"
import { createNodeWebSerialTransport, type Transport } from "jacdac-ts"
import { openProblems } from "./bus"
import { DeployError } from "./error"

export interface Port {
    path: string
    vendorId?: string | undefined
    productId?: string | undefined
    serialNumber?: string | undefined
    manufacturer?: string | undefined
}

/** The parts of serialport's class that are used here. */
interface SerialPorts {
    new (
        options: object,
        opened: (error: Error | null) => void
    ): {
        on(event: "close", handler: () => void): unknown
    }
    list(): Promise<Port[]>
}

/** The package's name, as a variable: TypeScript would reject an import of a package that may be missing. */
const PACKAGE: string = "serialport"
/** USB vendors of boards for DeviceScript's firmware: Raspberry Pi, Espressif, Adafruit, Seeed. */
const VENDORS = ["2e8a", "303a", "239a", "2886"]

/** Loads the package. Throws a DeployError that says what to do if it is missing. */
export async function loadSerialPorts(): Promise<SerialPorts> {
    try {
        const { SerialPort } = (await import(PACKAGE)) as { SerialPort: SerialPorts }
        return SerialPort
    } catch {
        throw new DeployError(
            "the package serialport is not installed: npm install --no-save serialport, or start " +
                "npx devicescript devtools --serial on another computer and use --port tcp://HOST:8082"
        )
    }
}

/**
 * Returns this computer's serial ports. If they cannot be listed (on Linux udevadm lists them), returns only the wanted port, or
 * throws a DeployError if no port is wanted.
 */
export async function portsOf(serialPorts: SerialPorts, wanted: string | undefined): Promise<Port[]> {
    try {
        return await serialPorts.list()
    } catch (error) {
        if (wanted !== undefined) return [{ path: wanted }]
        throw new DeployError(
            `the serial ports cannot be listed (${(error as Error).message}): set --port to the board's port, as --port /dev/ttyACM0`
        )
    }
}

/** Returns the wanted port, or the only one that may be a board's. Throws a DeployError that lists the ports. */
export function choosePort(ports: readonly Port[], wanted: string | undefined): Port {
    if (wanted !== undefined) {
        const port = ports.find(({ path }) => path === wanted)
        if (port !== undefined) return port
        // another name of a port, such as a link in /dev/serial/by-id
        if (existsSync(wanted)) return { path: wanted }
        throw new DeployError(`no serial port is named ${wanted}${among(ports)}`)
    }
    const boards = ports.filter(({ vendorId }) => VENDORS.includes((vendorId ?? "").toLowerCase()))
    const [board, another] = boards
    if (board === undefined) {
        throw new DeployError(
            "no board is plugged in: connect one with DeviceScript's firmware over USB, or set --port" +
                among(ports)
        )
    }
    if (another !== undefined) {
        throw new DeployError(`${boards.length} boards are plugged in: choose one by --port${among(boards)}`)
    }
    return board
}

/**
 * Creates the transport to the Jacdac bus that a serial port leads to. With `endsWithPort` the transport disconnects when the port
 * closes; otherwise it tries to open the port again.
 */
export function serialTransport(serialPorts: SerialPorts, port: Port, endsWithPort = false): Transport {
    // jacdac-ts opens the first port of a list whose serial number is a Jacdac adapter's, so it gets this list
    class OnlyPort extends serialPorts {
        constructor(options: object, opened: (error: Error | null) => void) {
            super(options, error => {
                // jacdac-ts does not pass the error on
                if (error !== null) openProblems.set(transport, openProblem(port.path, error.message))
                opened(error)
            })
            if (endsWithPort) this.on("close", () => void transport.disconnect(true))
        }

        static override async list(): Promise<Port[]> {
            return [{ ...port, serialNumber: `JD${port.serialNumber ?? ""}` }]
        }
    }
    const transport = createNodeWebSerialTransport(OnlyPort)
    return transport
}

/** Returns what to do when a port cannot be opened; `message` is that of the package serialport. */
export function openProblem(path: string, message: string): string {
    if (/permission denied/i.test(message)) {
        return `you have no permission to open ${path}: on Linux join the group dialout (sudo usermod -aG dialout $USER), and log in again`
    }
    if (/lock|busy|access denied|temporarily unavailable/i.test(message)) {
        return `another program uses ${path}: close it, or use --port devtools if it is npx devicescript devtools --serial`
    }
    if (/no such file|file not found/i.test(message)) {
        return `there is no ${path}: is the board plugged in?`
    }
    return `${path} cannot be opened: ${message.replace(/^Error:? /, "")}`
}

function among(ports: readonly Port[]): string {
    if (ports.length === 0) return ""
    const names = ports.map(({ path, manufacturer }) =>
        manufacturer === undefined ? path : `${path} (${manufacturer})`
    )
    return `; the ports are ${names.join(", ")}`
}
