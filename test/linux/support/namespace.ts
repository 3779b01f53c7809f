// A network namespace of a test file's own: its kernel is the host that the device meets.

import { type ChildProcess, type SpawnSyncReturns, spawn, spawnSync } from "node:child_process"
import { existsSync, readdirSync } from "node:fs"

/** Names tell whose they are, so that those of a run that was killed can be found. */
const PREFIX = "devicescript-tcp-"
const TIMEOUT = 60_000

/** Why these tests cannot run here, undefined if they can. */
export function missing(): string | undefined {
    if (process.platform !== "linux") return "this is not Linux"
    if (process.getuid?.() !== 0) return "it takes root"
    if (!existsSync("/dev/net/tun")) return "/dev/net/tun is not there"
    for (const tool of ["ip", "python3", "tshark", "mergecap"]) {
        if (!installed(tool)) return `${tool} is not installed`
    }
    return undefined
}

/** Whether a program can be started. */
export function installed(program: string): boolean {
    return spawnSync("sh", ["-c", `command -v ${program}`], { stdio: "ignore" }).status === 0
}

export class Namespace {
    private static made = 0
    readonly name = `${PREFIX}${process.pid}-${++Namespace.made}`
    private readonly children = new Set<ChildProcess>()

    constructor() {
        ip("netns", "add", this.name)
        ip("-n", this.name, "link", "set", "lo", "up")
        // what IPv6 says of itself on every new link would be traffic of no interest
        this.sysctl("net.ipv6.conf.default.disable_ipv6", 1)
    }

    /** Sets a variable of this namespace's kernel, and gives what puts it back. */
    sysctl(name: string, value: number | string): () => void {
        const before = this.run("sysctl", "-n", name).stdout.trim()
        this.must("sysctl", "-q", "-w", `${name}=${value}`)
        return () => void this.must("sysctl", "-q", "-w", `${name}=${before}`)
    }

    /** Runs a program to its end in here. */
    run(program: string, ...words: string[]): SpawnSyncReturns<string> {
        const options = { encoding: "utf8", timeout: TIMEOUT } as const
        return spawnSync("ip", ["netns", "exec", this.name, program, ...words], options)
    }

    /** The same for one that has to work: what it prints. */
    must(program: string, ...words: string[]): string {
        const { status, stdout, stderr } = this.run(program, ...words)
        if (status !== 0) throw new Error(`${[program, ...words].join(" ")} gives ${status}: ${stderr}`)
        return stdout
    }

    /** Starts a program in here; it ends with the namespace at the latest. */
    start(program: string, ...words: string[]): ChildProcess {
        const child = spawn("ip", ["netns", "exec", this.name, program, ...words], { stdio: "pipe" })
        this.children.add(child)
        child.on("close", () => this.children.delete(child))
        return child
    }

    /** The same, and what it prints and its exit code once it has ended, while this process does other things. */
    async finish(program: string, ...words: string[]): Promise<{ code: number | null; stdout: string }> {
        const child = this.start(program, ...words)
        let stdout = ""
        child.stdout?.setEncoding("utf8").on("data", text => {
            stdout += text
        })
        return await new Promise((resolve, reject) => {
            child.on("error", reject)
            child.on("close", code => resolve({ code, stdout }))
        })
    }

    /** Ends what was started in here and removes it. */
    async remove(): Promise<void> {
        const ends = [...this.children].map(child => new Promise(resolve => child.once("close", resolve)))
        for (const child of this.children) child.kill("SIGKILL")
        await Promise.all(ends)
        ip("netns", "del", this.name)
    }
}

/** Removes namespaces of runs that did not live to do it. */
export function removeLeftOvers(): void {
    if (!existsSync("/run/netns")) return
    for (const name of readdirSync("/run/netns")) {
        if (!name.startsWith(PREFIX)) continue
        const [pid] = name.slice(PREFIX.length).split("-")
        if (!existsSync(`/proc/${pid}`)) spawnSync("ip", ["netns", "del", name])
    }
}

function ip(...words: string[]): void {
    const { status, stderr } = spawnSync("ip", words, { encoding: "utf8", timeout: TIMEOUT })
    if (status !== 0) throw new Error(`ip ${words.join(" ")} gives ${status}: ${stderr}`)
}
