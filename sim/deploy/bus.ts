// Opens and closes the Jacdac bus behind a transport, and finds boards on it.

import { JDBus, type JDService, TRANSPORT_ERROR, type Transport } from "jacdac-ts"
import { DeployError } from "./error"

/** The time after which all boards have announced themselves, which they do every half second, ms. */
export const ANNOUNCED = 1200
/** The pause between two checks, ms. */
export const LOOK = 20
const NOT_OPENED =
    "the connection to the board cannot be opened: is the board plugged in, does no other program use its port, and may " +
    "this user open it (on Linux the group dialout)?"

/** Why the port of a transport could not be opened, by transport. */
export const openProblems = new WeakMap<Transport, string>()

/** Opens a bus. Throws a DeployError when the transport does not connect within `patience` ms. */
export async function openBus(transport: Transport, patience: number): Promise<JDBus> {
    const bus = new JDBus([transport], { client: false, disableRoleManager: true, proxy: true })
    bus.passive = false
    bus.autoConnect = false
    let failure: unknown
    bus.on(TRANSPORT_ERROR, ({ exception }: { exception: unknown }) => {
        failure ??= exception
    })
    try {
        bus.start()
        await within(bus.connect(), patience, NOT_OPENED)
        if (failure !== undefined) throw failure
        if (!bus.connected) throw new DeployError(openProblems.get(transport) ?? NOT_OPENED)
        return bus
    } catch (error) {
        await closeBus(bus)
        throw asDeployError(error)
    }
}

export async function closeBus(bus: JDBus): Promise<void> {
    await bus.disconnect().catch(() => {})
    await bus.stop()
}

/** Returns the error as a DeployError. */
export function asDeployError(error: unknown): DeployError {
    return error instanceof DeployError ? error : new DeployError((error as Error).message)
}

/** Returns whether `wanted` is the board's identifier, the end of that, or its short name; undefined fits every board. */
export function isWanted(
    { deviceId, shortId }: Pick<JDService["device"], "deviceId" | "shortId">,
    wanted: string | undefined
): boolean {
    return wanted === undefined || deviceId.endsWith(wanted.toLowerCase()) || shortId === wanted.toUpperCase()
}

/** Waits for the work. Rejects with a DeployError when it fails or takes longer than `ms`. */
export async function within(work: Promise<void>, ms: number, why: string): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new DeployError(why)), ms)
    })
    try {
        await Promise.race([work, late])
    } catch (error) {
        if (error instanceof DeployError) throw error
        throw new DeployError(`${why} (${(error as Error).message})`)
    } finally {
        clearTimeout(timer)
    }
}

export function sleep(ms: number): Promise<void> {
    return new Promise(resolve => setTimeout(resolve, ms))
}
