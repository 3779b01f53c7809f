// mosquitto, an MQTT broker, on the host's loopback.

import { execFile, spawn, spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { type AddressInfo, connect, createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"

export interface Broker {
    readonly port: number
    /** The next messages of a topic. */
    listen(topic: string, count: number): Promise<string[]>
    say(topic: string, message: string): Promise<void>
    stop(): Promise<void>
}

const found = ["mosquitto", "mosquitto_sub", "mosquitto_pub"].every(
    name => spawnSync(name, ["--help"], { stdio: "ignore" }).error === undefined
)

/** Undefined where mosquitto or its clients are missing; tests with it are skipped then, but not in CI. */
export const broker = found ? "mosquitto" : undefined
if (!found) console.warn("mosquitto or its clients are missing: tests with an MQTT broker are skipped")

const run = promisify(execFile)

/** Starts one on a free port of 127.0.0.1; returns when it listens. */
export async function startBroker(): Promise<Broker> {
    const probe = createServer()
    await new Promise<void>(done => probe.listen(0, "127.0.0.1", done))
    const { port } = probe.address() as AddressInfo
    await new Promise(done => probe.close(done))
    const folder = mkdtempSync(join(tmpdir(), "devicescript-tcp-mqtt-"))
    const config = join(folder, "mosquitto.conf")
    writeFileSync(config, `listener ${port} 127.0.0.1\nallow_anonymous true\npersistence false\n`)
    const child = spawn("mosquitto", ["-c", config], { stdio: "ignore" })
    const ended = new Promise(done => child.once("exit", done))
    while (!(await listens(port))) await new Promise(done => setTimeout(done, 20))
    const at = ["-h", "127.0.0.1", "-p", String(port)]
    return {
        port,
        listen: async (topic, count) => {
            const { stdout } = await run("mosquitto_sub", [...at, "-t", topic, "-C", String(count)])
            return stdout.trim().split("\n")
        },
        say: async (topic, message) => void (await run("mosquitto_pub", [...at, "-t", topic, "-m", message])),
        stop: async () => {
            child.kill()
            await ended
            rmSync(folder, { recursive: true })
        },
    }
}

function listens(port: number): Promise<boolean> {
    return new Promise(resolve => {
        const socket = connect(port, "127.0.0.1")
        socket.once("connect", () => {
            socket.destroy()
            resolve(true)
        })
        socket.once("error", () => resolve(false))
    })
}
