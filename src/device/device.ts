// The device as a whole: creates the driver, the stack, the services and the commands from the settings, and starts them.

import type { Buffer } from "@devicescript/core"
import * as ds from "@devicescript/core"
import type { BootOptions } from "../boot"
import { statusServer } from "../inspect/status"
import type { Print } from "../inspect/text"
import { startTrace } from "../inspect/trace"
import type { Mac } from "../mac/mac"
import { macText } from "../net/address"
import { Stack, setAddress } from "../net/stack"
import { interfaceAddress, macAddress } from "../socket/address-settings"
import { Network } from "../socket/driver-loop"
import { Kind, Services } from "../socket/echo-discard"
import { listen } from "../tcp/calls"
import { Config, configure } from "../tcp/config"
import { errorName } from "../tcp/records"
import { lines } from "./command-hook"
import type { Device } from "./commands"
import { heapFor, memoryRows } from "./memory"

const enum Heap {
    /**
     * Bytes of the heap for the program's own objects and its work. Measured on the VM with as little heap as the RP2040 has:
     * with 40,400 bytes of tables, rings and frames every configuration worked; with 40,500 one did not, because the free memory
     * is in many small pieces. test/device/runtimes.test.ts checks it.
     */
    Program = 20800,
}

const enum Port {
    Echo = 7,
    Http = 80,
}

/** Milliseconds. */
const enum Time {
    /** Longest wait for the link: by then a cable that is plugged in has a link. */
    Link = 3000,
    /** Between two checks. */
    Slice = 10,
}

/** False until the device is up; command lines wait until then. */
let isUp = false
lines.run = async (line: string, print: Print): Promise<number> => {
    while (!isUp) await ds.sleep(Time.Slice)
    return await lines.run(line, print)
}

/**
 * Starts a driver with a stack, the services (boot.services), and the command interpreter that `commandsOf` returns: the
 * console's or the control protocol's. Returns when all of them run; starts a chip that does not answer again every 5 seconds.
 *
 * An error in the settings is printed as `fatal: …` (level error), is the reply to every command line, and is thrown. That ends
 * the program; a board then restarts it, which prints the error again; the simulator reports the error and exits.
 */
export async function startDevice(
    driver: (address: Buffer) => Mac,
    boot: BootOptions,
    commandsOf: (device: Device) => typeof lines.run
): Promise<void> {
    let device: RunningDevice
    try {
        device = new RunningDevice(driver, boot)
    } catch (error) {
        const problem = (error as Error).message
        console.error(`fatal: ${problem}`)
        setInterpreter(async (_line, print) => {
            await print(`the device did not start: ${problem}`)
            return 1
        })
        throw error
    }
    if (boot.trace) startTrace(device.stack)
    const interpreter = commandsOf(device)
    if (!(await device.network.start())) {
        // commands work without a chip, too: they show what is wrong
        setInterpreter(interpreter)
        await device.network.startAgain()
    }
    await waitForLink(device)
    console.log(description(device, boot))
    setInterpreter(interpreter)
}

function setInterpreter(run: typeof lines.run): void {
    lines.run = run
    isUp = true
}

/** A running device. The constructor allocates all memory and throws an Error that says which setting is wrong. */
class RunningDevice implements Device {
    readonly stack: Stack
    readonly mac: Mac
    readonly services: Services
    readonly network: Network

    constructor(driver: (address: Buffer) => Mac, boot: BootOptions) {
        const config = new Config()
        configure(config, boot.config)
        checkMemory(config, boot)
        const address = macAddress(boot.macAddress)
        const { ip, netmask, gateway } = interfaceAddress(boot.ip, boot.gateway)
        this.mac = driver(address)
        const stack = new Stack(config, address)
        this.stack = stack
        setAddress(stack, ip, netmask, gateway)
        this.services = new Services(stack, statusServer(stack, this.mac))
        this.network = new Network(stack, this.mac, this.services)
        if (boot.services && !boot.control) {
            serve(this, Port.Echo, Kind.Echo)
            serve(this, Port.Http, Kind.Http)
        }
    }

    poke(): void {
        this.network.poke()
    }

    now(): number {
        return ds.millis() | 0
    }

    async sleep(ms: number): Promise<void> {
        await ds.sleep(ms)
    }
}

function serve(device: Device, port: number, kind: Kind): void {
    const { stack } = device
    const id = listen(stack, port, stack.config.connections)
    if (id < 0) throw new Error(`cannot serve port ${port} (${errorName(id)}): raise listeners`)
    device.services.serve(id, kind)
}

/** Waits up to 3 seconds for the link to come up. */
async function waitForLink(device: Device): Promise<void> {
    const until = (device.now() + Time.Link) | 0
    while (!device.mac.linkUp && ((until - device.now()) | 0) > 0) await ds.sleep(Time.Slice)
}

/** Returns the device's settings in one line. */
function description(device: Device, boot: BootOptions): string {
    const services = boot.control
        ? "controlled by another program"
        : boot.services
          ? `echo on port ${Port.Echo}, page on port ${Port.Http}`
          : "no services"
    const { connections } = device.stack.config
    const bytes = memoryRows(device, [])
    return `${boot.ip}, ${macText(device.stack.mac, 0)}, ${services}, ${connections} connections, ${bytes} bytes of buffers, ${linkText(device.mac)}`
}

/** Returns whether there is a link, and why not. */
function linkText(mac: Mac): string {
    return mac.linkUp ? "link up" : mac.noLink || "no link: is the cable in?"
}

/** Throws an Error when the configuration does not fit the heap: running out of heap would end the program without a message. */
function checkMemory(config: Config, boot: BootOptions): void {
    const needed = heapFor(config)
    const room = boot.heap - Heap.Program
    if (needed <= room) return
    throw new Error(
        `config needs ${needed} bytes of heap, but about ${room} are free: lower connections, receiveBuffer or sendBuffer`
    )
}
