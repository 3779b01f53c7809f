// Finds and opens a board's serial port over USB. The package serialport comes with DeviceScript's command line tool on machines
// where it can be built.

import { createNodeWebSerialTransport, type Transport } from "jacdac-ts"
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
    new (options: object, opened: (error: Error | null) => void): object
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

/** Creates the transport to the Jacdac bus that a serial port leads to. */
export function serialTransport(serialPorts: SerialPorts, port: Port): Transport {
    // jacdac-ts opens the first port of a list whose serial number is a Jacdac adapter's, so it gets this list
    class OnlyPort extends serialPorts {
        static override async list(): Promise<Port[]> {
            return [{ ...port, serialNumber: `JD${port.serialNumber ?? ""}` }]
        }
    }
    return createNodeWebSerialTransport(OnlyPort)
}

function among(ports: readonly Port[]): string {
    if (ports.length === 0) return ""
    const names = ports.map(({ path, manufacturer }) =>
        manufacturer === undefined ? path : `${path} (${manufacturer})`
    )
    return `; the ports are ${names.join(", ")}`
}
