// Loads DeviceScript's own VM, compiled to WebAssembly, from the installed command line tool. The tool does not export the VM, so
// this file cuts the module's wrapper out of the tool's bundle and evaluates it for each device in its own scope, with its own
// clock, loop and source of random numbers.

import { readFileSync } from "node:fs"
import { join } from "node:path"
import { commandLineTool, INSTALL } from "../build/places"
import { withCounts } from "./counting"

const CLI_VERSION = "2.16.4"
const START = "var require_devicescript_vm = __commonJS({"
const END = "\n});"
const WASM = /"data:application\/octet-stream;base64,([A-Za-z0-9+/=]+)"/

/** What the VM's JavaScript sees instead of the process's globals. */
interface Scope {
    /** Returns the VM's time in milliseconds. */
    now(): number
    setTimeout(run: () => void, ms: number): unknown
    clearTimeout(timer: unknown): void
    randomBytes(size: number): Uint8Array
}

/** The parts of the VM's interface that are used here. */
export interface VmModule {
    readonly HEAPU8: Uint8Array
    readonly HEAPU32: Uint32Array
    dmesg: (line: string) => void
    error: (error: unknown) => void
    panicHandler: (code: number) => void
    sendPacket: (frame: Uint8Array) => void
    /** Passes a Jacdac frame to the VM. */
    handlePacket(frame: Uint8Array): void
    sockOpen: (host: number, port: number) => number
    sockWrite: (at: number, length: number) => number
    sockClose: () => number
    sockIsAvailable: () => boolean
    devsSetDeviceId(id: string): void
    devsGcStress(on: boolean): void
    devsStart(): void
    /** Loads an image; returns 0 if the VM accepts it. */
    devsDeploy(image: Uint8Array): number
    /** Checks an image; returns 0 if the VM would accept it, else a negative number. The reason goes to dmesg. */
    devsVerify(image: Uint8Array): number
}

/** The parts of WebAssembly that are used here. Node's types lack them without those of a browser. */
interface Wasm {
    Module: new (bytes: Uint8Array) => object
    Instance: new (module: object, imports: object) => { exports: object }
}
const { Module, Instance } = (globalThis as unknown as { WebAssembly: Wasm }).WebAssembly

interface Source {
    evaluate: (...scope: unknown[]) => (module: object) => unknown
    wasm: object
}

/** The VM, and the VM that counts (counting.ts). */
const cached: { [counting: string]: Source } = {}

/**
 * Creates a new VM that has run nothing yet; with `counting` the VM counts what it does (counting.ts). Throws when the installed
 * command line tool has another version than CLI_VERSION.
 */
export function createModule(scope: Scope, counting = false): VmModule {
    cached[`${counting}`] ??= load(counting)
    const { evaluate, wasm } = cached[`${counting}`]
    const module = {
        instantiateWasm: (imports: object, receive: (instance: object) => object) =>
            receive(new Instance(wasm, imports)),
    }
    const silent = () => {}
    const factory = evaluate(
        (name: string) => {
            if (name === "crypto") return { randomBytes: scope.randomBytes }
            if (name === "fs" || name === "path") return {}
            throw new Error(`the VM asks for the module ${name}, which the simulator does not offer`)
        },
        { now: scope.now },
        scope.setTimeout,
        scope.clearTimeout,
        scope.clearTimeout,
        silent,
        { log: silent, debug: silent, warn: silent, error: silent },
        // enough of a process for the VM to detect Node, without exception handlers and exit code
        { versions: { node: process.versions.node }, release: { name: "node" }, argv: [], on: silent },
        {},
        ".",
        commonJs
    )
    factory(module)
    return module as unknown as VmModule
}

/** Returns the value of the only module in `modules`, as the bundle's own helper does. */
function commonJs(modules: Record<string, (exports: object, module: { exports: unknown }) => void>) {
    return () => {
        const module = { exports: {} as unknown }
        for (const define of Object.values(modules)) define(module.exports as object, module)
        return module.exports
    }
}

function load(counting: boolean): Source {
    const { file, version } = installed()
    if (version !== CLI_VERSION) {
        throw new Error(
            `@devicescript/cli is ${version}, but the simulator knows the VM of ${CLI_VERSION} only: run ${INSTALL}`
        )
    }
    const bundle = readFileSync(file, "latin1") // the part that is used is plain ASCII
    const start = bundle.indexOf(START)
    const end = bundle.indexOf(END, start)
    const source = bundle.slice(start, end + END.length)
    const wasm = WASM.exec(source)
    if (start < 0 || end < 0 || wasm === null) {
        throw new Error(
            `${file} does not contain the VM in the form of ${CLI_VERSION}: run ${INSTALL} to restore it`
        )
    }
    const names = ["require", "Date", "setTimeout", "clearTimeout", "clearInterval", "setInterval", "console"]
    const text = `${source.replace(wasm[0], '"data:application/octet-stream;base64,"')}
        return require_devicescript_vm()`
    const bytes = Buffer.from(wasm[1], "base64")
    return {
        evaluate: new Function(
            ...names,
            "process",
            "globalThis",
            "__dirname",
            "__commonJS",
            text
        ) as Source["evaluate"],
        wasm: new Module(counting ? withCounts(bytes) : bytes),
    }
}

/** Returns the path and the version of the command line tool's bundle. */
function installed(): { file: string; version: string } {
    const tool = commandLineTool()
    if (tool === undefined) throw new Error(`@devicescript/cli is not installed: run ${INSTALL}`)
    return { file: join(tool.folder, "built", "devicescript-cli.cjs"), version: tool.version }
}
