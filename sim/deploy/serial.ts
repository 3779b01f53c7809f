// A board's serial port, over USB. The package serialport comes with DeviceScript's command line tool where it can be built.

import { createNodeWebSerialTransport, type Transport } from "jacdac-ts"
import { DeployError } from "./error"

export interface Port {
    path: string
    vendorId?: string | undefined
    productId?: string | undefined
    serialNumber?: string | undefined
    manufacturer?: string | undefined
}

/** What is used of serialport's class. */
export interface SerialPorts {
    new (options: object, opened: (error: Error | null) => void): object
    list(): Promise<Port[]>
}

/** Not named where it is imported, as it need not be there. */
const PACKAGE: string = "serialport"
/** USB vendors whose boards DeviceScript's firmware runs on: Raspberry Pi, Espressif, Adafruit, Seeed. */
const VENDORS = ["2e8a", "303a", "239a", "2886"]

/** The package, or a DeployError that says how to get on without. */
export async function loadSerialPorts(): Promise<SerialPorts> {
    try {
        const { SerialPort } = (await import(PACKAGE)) as { SerialPort: SerialPorts }
        return SerialPort
    } catch {
        throw new DeployError(
            "the package serialport is not installed: npm install --no-save serialport, or start " +
                "npx devicescript devtools --serial elsewhere and give --port tcp://HOST:8082"
        )
    }
}

/**
 * Returns this computer's serial ports. Where they cannot be listed (on Linux udevadm does that), returns the wanted one alone, and throws
 * a DeployError if none is wanted.
 */
export async function portsOf(serialPorts: SerialPorts, wanted: string | undefined): Promise<Port[]> {
    try {
        return await serialPorts.list()
    } catch (error) {
        if (wanted !== undefined) return [{ path: wanted }]
        throw new DeployError(
            `the serial ports cannot be listed (${(error as Error).message}): give the board's by --port, as --port /dev/ttyACM0`
        )
    }
}

/** The port that was asked for, or else the only one that looks like a board's. Throws a DeployError with those there are. */
export function choosePort(ports: readonly Port[], wanted: string | undefined): Port {
    if (wanted !== undefined) {
        const port = ports.find(({ path }) => path === wanted)
        if (port !== undefined) return port
        throw new DeployError(`there is no serial port ${wanted}${among(ports)}`)
    }
    const boards = ports.filter(({ vendorId }) => VENDORS.includes((vendorId ?? "").toLowerCase()))
    const [board, another] = boards
    if (board === undefined) {
        throw new DeployError(
            "no board is plugged in: connect one that runs DeviceScript's firmware by USB, or give --port" +
                among(ports)
        )
    }
    if (another !== undefined) {
        throw new DeployError(`${boards.length} boards are plugged in: choose one by --port${among(boards)}`)
    }
    return board
}

/** A Jacdac bus behind that port. */
export function serialTransport(serialPorts: SerialPorts, port: Port): Transport {
    // what opens the first port of a list gets a list of one; it looks for Jacdac's own in it
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
    return `; there is ${names.join(", ")}`
}
