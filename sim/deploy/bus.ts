// Opens and closes the Jacdac bus to which a transport leads, and finds boards on it.

import { JDBus, type JDService, TRANSPORT_ERROR, type Transport } from "jacdac-ts"
import { DeployError } from "./error"

/** The time after which all boards have announced themselves, which they do every half second, ms. */
const ANNOUNCED = 1200
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

/**
 * Returns the only service that `find` returns, once all boards have had time to announce themselves; undefined if it returns none
 * within `patience` ms. Throws a DeployError with the text of `choose` when it returns several.
 */
export async function onlyService(
    find: () => readonly JDService[],
    patience: number,
    choose: (found: readonly JDService[]) => string
): Promise<JDService | undefined> {
    const began = Date.now()
    while (Date.now() - began < patience) {
        await sleep(LOOK)
        const found = find()
        if (found.length === 0 || Date.now() - began < ANNOUNCED) continue
        if (found.length === 1) return found[0]
        throw new DeployError(choose(found))
    }
    return undefined
}

/** Returns the error that the wanted board is not among those that answer, whose services are given. */
export function notFound(
    services: readonly JDService[],
    wanted: string | undefined,
    patience: number
): DeployError {
    return new DeployError(
        services.length > 0
            ? `board ${wanted} is not on this bus; the boards are ${names(services)}`
            : `no board with DeviceScript answers within ${patience / 1000} s: is the firmware on the board (npx devicescript flash)?`
    )
}

/** Returns the boards of services as text, each by its number and short name. */
export function names(services: readonly JDService[]): string {
    return services.map(({ device: { deviceId, shortId } }) => `${deviceId} (${shortId})`).join(", ")
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
