// Finds the serial console of a board: the way to the board, the bus, and the service on it.

import { connect } from "node:net"
import {
    DeviceScriptManagerReg,
    type JDBus,
    type JDRegister,
    type JDService,
    REPORT_RECEIVE,
    SRV_DEVICE_SCRIPT_MANAGER,
} from "jacdac-ts"
import { INSTALLED } from "../build/places"
import { isWanted, notFound, onlyService, within } from "../deploy/bus"
import { DeployError } from "../deploy/error"
import { DEVTOOLS, type Route, SIMULATOR } from "../deploy/route"
import { SIMULATOR_PORT } from "../device/jacdac"
import { SRV_NETWORK_CONSOLE } from "./board"

/** The longest wait for a connection to this computer, ms. */
const NEAR = 500

/**
 * Returns the way to a board without --port: the only board on USB, else devtools, else the simulator, if they run on this computer.
 * Throws a DeployError if no board can be found, or if several boards are on USB.
 */
export async function findRoute(): Promise<Route> {
    const { choosePort, loadSerialPorts, portsOf } = await import("../deploy/serial")
    let none: DeployError
    try {
        const ports = await portsOf(await loadSerialPorts(), undefined)
        return { kind: "serial", path: choosePort(ports, undefined).path }
    } catch (error) {
        if (!(error instanceof DeployError) || /choose one/.test(error.message)) throw error
        none = error
    }
    for (const route of [DEVTOOLS, SIMULATOR]) if (await answers(route)) return route
    throw new DeployError(
        `${none.message}; no devtools and no simulator run here, either (npx devicescript devtools --serial, ` +
            `${INSTALLED ? "npx devicescript-tcp sim" : "npm start --"} --jacdac ${SIMULATOR_PORT})`
    )
}

/** Returns whether a program listens at a TCP address. */
function answers({ host, port }: { host: string; port: number }): Promise<boolean> {
    return new Promise(resolve => {
        const socket = connect({ host, port, timeout: NEAR })
        const end = (found: boolean) => {
            socket.destroy()
            resolve(found)
        }
        socket.on("connect", () => end(true))
        socket.on("error", () => end(false))
        socket.on("timeout", () => end(false))
    })
}

/** The bits in which the number of a board differs from that of the servers in its program, on all of DeviceScript's firmware. */
const SERVERS = "f8531b75a74922db"

/** Returns the number of the board on which a program's servers have a number, 16 hexadecimal digits. */
export function boardOf(servers: string): string {
    const number = BigInt(`0x${servers}`) ^ BigInt(`0x${SERVERS}`)
    return number.toString(16).padStart(16, "0")
}

/**
 * Returns the console of the wanted board (`isWanted`), once all boards have had time to announce themselves. Throws a DeployError
 * that says why the board has no console, or that no such board answers.
 */
export async function findConsole(
    bus: JDBus,
    wanted: string | undefined,
    patience: number
): Promise<JDService> {
    const managers = () => bus.services({ serviceClass: SRV_DEVICE_SCRIPT_MANAGER, lost: false })
    const isBoards = (service: JDService) => {
        const board = boardOf(service.device.deviceId)
        const short = managers().find(({ device }) => device.deviceId === board)?.device.shortId ?? ""
        return isWanted({ deviceId: board, shortId: short }, wanted) || isWanted(service.device, wanted)
    }
    const found = await onlyService(
        () => bus.services({ serviceClass: SRV_NETWORK_CONSOLE, lost: false }).filter(isBoards),
        patience,
        several => {
            const boards = several.map(({ device }) => boardOf(device.deviceId)).join(", ")
            return `${several.length} boards have a console: choose one by --device; they are ${boards}`
        }
    )
    if (found !== undefined) return found
    const board = managers().find(({ device }) => isWanted(device, wanted))
    throw board === undefined ? notFound(managers(), wanted, patience) : new DeployError(await whyNone(board))
}

/** The longest wait for a register, ms. */
const ANSWER = 1000

/** Returns why a board has no console. */
async function whyNone(manager: JDService): Promise<string> {
    const { deviceId, shortId } = manager.device
    const board = `board ${deviceId} (${shortId})`
    const read = async (code: number) => {
        const register = manager.register(code)
        await within(reported(register), ANSWER, "").catch(() => {})
        return register
    }
    const size = (await read(DeviceScriptManagerReg.ProgramSize)).data
    const running = await read(DeviceScriptManagerReg.Running)
    const deploy = INSTALLED ? "npx devicescript-tcp deploy" : "npm run deploy -- src/main-serial.ts"
    if (size?.every(byte => byte === 0)) return `${board} has no program: ${deploy} puts one on it`
    if (running.boolValue === false)
        return `${board} has a program that has ended: ${deploy} puts another one on it`
    return (
        `${board} runs a program without the serial console: ` +
        (INSTALLED
            ? "call serialConsole(net) in it (docs/programs.md), and deploy it"
            : `${deploy} puts one with it on the board`)
    )
}

async function reported(register: JDRegister): Promise<void> {
    const report = new Promise<void>(resolve => register.once(REPORT_RECEIVE, resolve))
    await register.sendGetAsync()
    await report
}
