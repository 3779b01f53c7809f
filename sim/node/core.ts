// Node runtime: @devicescript/core, as far as src/ and DeviceScript's libraries use it.
//
// The folder sim/node is the third runtime of a program, after the board and the VM: it runs the same TypeScript sources on
// Node. tsconfig.json and vitest.config.ts map DeviceScript's packages to its files, so src/ depends on this folder there.

import { RESTART } from "../device/runtime"
import { Buffer, hex as bytesInFlash } from "./buffer"
import { environment, type Level } from "./environment"
import { Fiber, millis, sleep, suspend } from "./fiber"
import { clearInterval, clearTimeout, setInterval, setTimeout } from "./timers"

export {
    Buffer,
    clearInterval,
    clearTimeout,
    Fiber,
    millis,
    setInterval,
    setTimeout,
    sleep,
    sleep as delay,
    suspend,
}

declare global {
    /** Returns the bytes of a template of hexadecimal digits. On the VM they are in flash. */
    function hex(parts: TemplateStringsArray): Buffer
    interface Function {
        /** Starts the function as a new fiber. */
        start(...args: unknown[]): Fiber
    }
    interface Math {
        /** Returns the quotient of two 32-bit integers, 0 when the divisor is 0. */
        idiv(x: number, y: number): number
        /** Returns a random whole number from 0 to `max`. */
        randomInt(max: number): number
    }
    interface Array<T> {
        /** Inserts `count` undefined elements, or removes that many when negative. */
        insert(index: number, count: number): void
        /** Appends the elements of another array and returns the new length. */
        pushRange(items: T[]): number
    }
    interface String {
        /** Length of the text in UTF-8, bytes. */
        readonly byteLength: number
    }
}

/** Returns 32 random bits. */
export function randomWord(): number {
    const word = Buffer.alloc(4)
    word.fillRandom()
    return word.getAt(0, "u32")
}

/** Adds members that DeviceScript has and Node lacks to a built-in object, as non-enumerable ones. */
function extend(target: object, members: Record<string, unknown>): void {
    for (const [name, value] of Object.entries(members)) {
        Object.defineProperty(target, name, { value, configurable: true, writable: true })
    }
}

const { toLowerCase: lower, toUpperCase: upper } = String.prototype

extend(Function.prototype, {
    start(this: (...args: unknown[]) => unknown, ...args: unknown[]) {
        return Fiber.start(() => this(...args))
    },
})
extend(globalThis, { hex: bytesInFlash })
extend(Math, {
    idiv: (x: number, y: number) => ((y | 0) === 0 ? 0 : Math.trunc((x | 0) / (y | 0)) | 0),
    randomInt: (max: number) => Math.floor((randomWord() / 0x1_0000_0000) * ((max | 0) + 1)),
})
extend(Array.prototype, {
    insert(this: unknown[], index: number, count: number) {
        if (count < 0) this.splice(index, -count)
        else this.splice(index, 0, ...new Array(count).fill(undefined))
    },
    pushRange(this: unknown[], items: unknown[]) {
        return this.push(...items)
    },
})
extend(String.prototype, {
    // only ASCII letters, as on the VM: in Unicode other characters, such as the Kelvin sign, become ASCII letters, too
    toLowerCase(this: string) {
        return this.replace(/[A-Z]+/g, letters => lower.call(letters))
    },
    toUpperCase(this: string) {
        return this.replace(/[a-z]+/g, letters => upper.call(letters))
    },
})
Object.defineProperty(String.prototype, "byteLength", {
    get(this: string) {
        return environment.bytes(this.toString()).length
    },
    configurable: true,
})

export type AsyncVoid = void | Promise<void>
export type Callback = () => AsyncVoid
export type Handler<T> = (value: T) => AsyncVoid
export type Unsubscribe = () => void

export interface Subscriber<T> {
    subscribe(handler: Handler<T>): Unsubscribe
}

export interface Emitter<T> extends Subscriber<T> {
    emit(value: T): void
}

/** Calls a handler in its own fiber. Of the values that arrive while the handler runs, only the newest is kept. */
class Subscription<T> {
    private running = false
    private pending = false
    private value: T | undefined

    constructor(private readonly handler: Handler<T>) {}

    notify(value: T): void {
        this.value = value
        this.pending = true
        if (this.running) return
        this.running = true
        Fiber.start(async () => {
            try {
                while (this.pending) {
                    this.pending = false
                    await this.handler(this.value as T)
                }
            } finally {
                this.running = false
            }
        })
    }
}

class EventEmitter<T> implements Emitter<T> {
    private readonly subscriptions: Subscription<T>[] = []

    subscribe(handler: Handler<T>): Unsubscribe {
        const subscription = new Subscription(handler)
        this.subscriptions.push(subscription)
        return () => {
            const index = this.subscriptions.indexOf(subscription)
            if (index >= 0) this.subscriptions.splice(index, 1)
        }
    }

    emit(value: T): void {
        for (const subscription of [...this.subscriptions]) subscription.notify(value)
    }
}

/** Creates a source of events that fibers can wait for. */
export function emitter<T = undefined>(): Emitter<T> {
    return new EventEmitter<T>()
}

/** Waits for the next event and returns its value; undefined after `timeout` milliseconds. */
export async function wait<T>(source: Subscriber<T>, timeout?: number): Promise<T | undefined> {
    const fiber = Fiber.self()
    let waiting = true
    const unsubscribe = source.subscribe(value => {
        if (!waiting) return
        waiting = false
        if (fiber.suspended) fiber.resume(value)
    })
    const value = await suspend<T>(timeout)
    waiting = false
    unsubscribe()
    return value
}

/** Throws an Error when the condition does not hold. */
export function assert(condition: unknown, message = ""): asserts condition {
    if (!condition) throw new Error(`Assertion failed: ${message}`)
}

/** Ends the program; a simulated device stays off. */
export function restart(): never {
    const request = new Error("the program asked for a restart")
    request.name = RESTART
    throw request
}

export function isSimulator(): boolean {
    return true
}

/** The base classes of Jacdac clients. This runtime has no such clients, but @devicescript/observables extends the prototypes. */
export class Register {}
export class Event {}

/** A packet on the Jacdac bus. */
export interface Packet {
    readonly serviceCommand: number
    readonly payload: Buffer
}

/** The specification of a Jacdac service, which the compiler reads from `services`. */
export class ServiceSpec {
    constructor(readonly name: string) {}

    /** Returns the specification of a command, a report or a register. Encoded, its fields are one after the other. */
    lookup(_name: string): { encode(fields: readonly unknown[]): Packet } {
        return { encode: () => ({ serviceCommand: 0, payload: Buffer.alloc(0) }) }
    }
}

/** The service of services/networkconsole.md. */
export const NetworkConsole = { spec: new ServiceSpec("networkConsole") }

/** Returns the device's identifier, 16 hexadecimal digits. */
export function deviceIdentifier(_which: "self" | "server"): string {
    return environment.deviceId
}

/** Prints a line on the device's console. */
export function print(level: Level, text: string): void {
    environment.log(level, text)
}

export type DigitalValue = 0 | 1
export const HIGH = 1
export const LOW = 0

export enum GPIOMode {
    Off = 0,
    OffPullUp = 16,
    OffPullDown = 32,
    Input = 1,
    InputPullUp = 17,
    InputPullDown = 33,
    Output = 2,
    OutputHigh = 18,
    OutputLow = 34,
    AnalogIn = 3,
    BaseModeMask = 15,
}

export interface PinBase {
    gpio: number
    mode: GPIOMode
    setMode(mode: GPIOMode): void
}

export interface InputPin extends PinBase, Subscriber<DigitalValue> {
    value: DigitalValue | number
}

export interface OutputPin extends PinBase {
    write(value: DigitalValue | number | boolean): void
}

export type IOPin = InputPin & OutputPin
export type Pin = InputPin | OutputPin

function missing(what: string): never {
    throw new TypeError(`not supported: ${what}`)
}

/** Throws: this runtime has no SPI. boards/host/pipe.ts replaces this function and the next one. */
export function spiConfigure(_miso: number, _mosi: number, _sck: number, _mode: number, _hz: number): void {
    missing("SPI")
}

export async function spiXfer(_tx: Buffer | null, _rx: Buffer | null): Promise<void> {
    missing("SPI")
}

/** True when the runtime's only socket, the byte pipe to the simulator, is open. */
let open = false

export function _socketOpen(_host: string, _port: number): number {
    open = true
    return 0
}

export function _socketWrite(data: Buffer | string): number {
    if (!open) return -100
    return environment.write(typeof data === "string" ? environment.bytes(data) : data)
}

export function _socketClose(): number {
    if (!open) return -1
    open = false
    return 0
}

/** The version of the runtime that this runtime replaces. */
export const RUNTIME_VERSION = "2.16.4"

/** Returns undefined for every setting of the board's file: this runtime has no such settings. */
export function _dcfgString(_id: "archId" | "url" | "devName" | "@name" | "@version"): string | undefined {
    return undefined
}

/** The namespace of a program (`ds`): an object that programs may write to, as on the VM. */
export default {
    Buffer,
    Event,
    Fiber,
    GPIOMode,
    HIGH,
    LOW,
    NetworkConsole,
    RUNTIME_VERSION,
    Register,
    assert,
    clearInterval,
    clearTimeout,
    delay: sleep,
    deviceIdentifier,
    emitter,
    isSimulator,
    millis,
    restart,
    setInterval,
    setTimeout,
    sleep,
    spiConfigure,
    spiXfer,
    suspend,
    wait,
    _dcfgString,
    _socketClose,
    _socketOpen,
    _socketWrite,
}
