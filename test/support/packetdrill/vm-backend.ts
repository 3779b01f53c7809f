// A script's stack as the image that a board gets, on DeviceScript's own VM: the program's calls are commands of the
// control protocol, frames go over a switch and a modelled chip, time is virtual. A device serves script after script.

import { W5500Chip } from "../../../sim/chip/w5500"
import { Device } from "../../../sim/device/device"
import { describePanic } from "../../../sim/device/runtime"
import type { Port } from "../../../sim/link/port"
import { EthernetSwitch } from "../../../sim/link/switch"
import { VirtualClock } from "../../../sim/time/clock"
import { type Backend, type Network, type Outcome, type Reading, type Sent, STATES } from "./backend"
import { errorNumber } from "./symbols"
import { answerArp, introduction } from "./wire"

/** Microseconds. Segments were measured 0 to 2 ms late, and up to 5 ms early while a call blocks and is asked about. */
const TOLERANCE = 10_000
/** The device sleeps until the next event of its clock, so there is one every N ms: frames come without notice. */
const BEAT = 2
/** A frame that was injected has been dealt with after this long, ms: calls that follow it wait for that. */
const TAKEN = 2 * BEAT
/** What the stack still sends when a script is over is sent within this long, ms. */
const SETTLE = 100

/** A device that is switched on. */
export class VmDevice {
    readonly clock = new VirtualClock()
    /** Frames it sent, with the clock's time. */
    readonly frames: { time: number; frame: Uint8Array }[] = []
    private readonly ethernet = new EthernetSwitch(this.clock)
    private readonly plug: Port
    private readonly device: Device
    private panic: string | undefined
    private stopped = false

    /** Builds the image unless that has been done, and boots it. */
    static async start(network: Network, config: Readonly<Record<string, number>>): Promise<VmDevice> {
        const device = new VmDevice(network, config)
        await device.device.start()
        device.beat()
        await device.command(" ")
        await device.inject(introduction(network))
        await device.pass(SETTLE)
        device.frames.length = 0
        return device
    }

    private constructor(
        readonly network: Network,
        config: Readonly<Record<string, number>>
    ) {
        const { clock, ethernet } = this
        // whoever waits for a promise looks before the next event
        clock.settle.add(async () => {})
        const chip = new W5500Chip({ clock, send: frame => cable.send(frame) })
        const cable = ethernet.attach({ name: "device", receive: frame => chip.deliver(frame) })
        this.plug = ethernet.attach({ name: "remote", receive: frame => this.receive(frame) })
        this.device = new Device({
            clock,
            runtime: "vm",
            chip,
            seed: 1,
            // it asks for commands every millisecond
            controlled: true,
            boot: {
                ip: `${network.localIp}/${network.prefix}`,
                gateway: network.hop === network.remoteIp ? "" : network.hop,
                macAddress: network.localMac,
                config,
                control: true,
                trace: false,
            },
            onPanic: panic => {
                this.panic = describePanic(panic)
            },
        })
    }

    private beat(): void {
        if (!this.stopped) this.clock.at(this.clock.now() + BEAT, () => this.beat())
    }

    private receive(frame: Uint8Array): void {
        const reply = answerArp(frame, this.network)
        if (reply === undefined) this.frames.push({ time: this.clock.now(), frame: Uint8Array.from(frame) })
        else this.plug.send(reply)
    }

    async inject(frame: Uint8Array): Promise<void> {
        this.plug.send(frame)
    }

    /** Its program runs. */
    get alive(): boolean {
        return this.panic === undefined
    }

    /** Lets time pass until the condition holds, or until the clock's `limit`. */
    async until(condition: () => boolean, limit: number): Promise<void> {
        await this.clock.runUntil(() => condition() || this.panic !== undefined, limit)
        if (this.panic !== undefined) throw new Error(this.panic)
    }

    async pass(ms: number): Promise<void> {
        await this.until(() => false, this.clock.now() + ms)
    }

    /** The answer to a command of the control protocol. */
    async command(line: string): Promise<string> {
        let answer: string | undefined
        let failure: Error | undefined
        this.device.command(line).then(
            reply => {
                answer = reply.lines.join(" ")
            },
            (error: Error) => {
                failure = error
            }
        )
        await this.until(() => answer !== undefined || failure !== undefined, Number.POSITIVE_INFINITY)
        if (answer === undefined) throw failure ?? new Error(`the device never answered "${line}"`)
        return answer
    }

    async stop(): Promise<void> {
        this.stopped = true
        this.device.stop()
        await this.ethernet.close()
    }
}

export class VmBackend implements Backend {
    readonly tolerance = TOLERANCE
    readonly sent: Sent[] = []
    private readonly start: number
    /** Handles of this script. */
    private readonly handles = new Set<number>()
    /** When the device has dealt with what was injected. */
    private taken = 0

    constructor(private readonly device: VmDevice) {
        this.start = device.clock.now()
    }

    now(): number {
        return this.usecs(this.device.clock.now())
    }

    private usecs(time: number): number {
        return Math.round((time - this.start) * 1000)
    }

    async advance(to: number): Promise<void> {
        const { device } = this
        await device.until(() => device.frames.length > 0, this.start + to / 1000)
        this.take()
    }

    private take(): void {
        for (const { time, frame } of this.device.frames.splice(0))
            this.sent.push({ time: this.usecs(time), frame })
    }

    async inject(frame: Uint8Array): Promise<void> {
        await this.device.inject(frame)
        this.taken = this.device.clock.now() + TAKEN
    }

    async finish(): Promise<void> {
        if (!this.device.alive) return
        for (const handle of this.handles) await this.device.command(`abort ${handle}`)
        await this.device.pass(SETTLE)
        this.device.frames.length = 0
        this.sent.length = 0
    }

    /** The words of an answer that begins with ok, or the error that it names. */
    private async ask(line: string): Promise<string[] | string> {
        await this.device.until(() => false, this.taken)
        const answer = await this.device.command(line)
        this.take()
        const [head, ...words] = answer.split(" ")
        if (head === "ok") return words
        if (head === "none") return "EAGAIN"
        const error = words.join(" ")
        if (errorNumber(error) === undefined) throw new Error(`the device answers "${line}" by "${answer}"`)
        return error
    }

    /** A command whose answer is a number, or nothing, which is 0. */
    private async number(line: string): Promise<Outcome> {
        const words = await this.ask(line)
        return typeof words === "string" ? words : Number(words[0] ?? 0)
    }

    private async handle(line: string): Promise<Outcome> {
        const outcome = await this.number(line)
        if (typeof outcome === "number") this.handles.add(outcome)
        return outcome
    }

    async listen(port: number, backlog: number): Promise<Outcome> {
        return await this.handle(`listen ${port} ${backlog}`)
    }

    async accept(listener: number): Promise<{ outcome: Outcome }> {
        return { outcome: await this.handle(`accept ${listener}`) }
    }

    async connect(port: number, localPort: number): Promise<Outcome> {
        const { remoteIp } = this.device.network
        return await this.handle(`connect ${remoteIp} ${port}${localPort === 0 ? "" : ` ${localPort}`}`)
    }

    async write(handle: number, length: number): Promise<Outcome> {
        const outcome = await this.number(`send ${handle} ${length}`)
        return outcome === 0 && length > 0 ? "EAGAIN" : outcome
    }

    async read(handle: number, most: number): Promise<Reading> {
        const words = await this.ask(`recv ${handle} ${most}`)
        if (typeof words === "string") return { outcome: words }
        const [count, standing = ""] = words
        if (Number(count) > 0) return { outcome: Number(count) }
        if (standing === "eof") return { outcome: 0 }
        return { outcome: standing === "open" ? "EAGAIN" : standing }
    }

    async shutdown(handle: number): Promise<Outcome> {
        return await this.number(`shut ${handle}`)
    }

    async close(handle: number): Promise<void> {
        await this.ask(`close ${handle}`)
    }

    async abort(handle: number): Promise<void> {
        await this.ask(`abort ${handle}`)
    }

    async state(handle: number): Promise<string> {
        const words = await this.ask(`state ${handle}`)
        return typeof words === "string" ? words : words[0]!
    }

    async failure(handle: number): Promise<string | undefined> {
        const words = await this.ask(`recv ${handle} 0`)
        const standing = typeof words === "string" ? words : (words[1] ?? "")
        return standing === "open" || standing === "eof" ? undefined : standing
    }

    async ready(handle: number): Promise<number> {
        const bits = await this.number(`poll ${handle}`)
        if (typeof bits === "string") throw new Error(`poll of ${handle} says ${bits}`)
        return bits
    }

    async setReceiveLimit(handle: number, bytes: number): Promise<Outcome> {
        return await this.number(`rcvbuf ${handle} ${bytes}`)
    }

    async setNoDelay(handle: number, on: boolean): Promise<Outcome> {
        return await this.number(`nodelay ${handle} ${on ? 1 : 0}`)
    }

    async setKeepAlive(handle: number, on: boolean): Promise<Outcome> {
        return await this.number(`keepalive ${handle} ${on ? 1 : 0}`)
    }

    async setUserTimeout(handle: number, seconds: number): Promise<Outcome> {
        return await this.number(`timeout ${handle} ${seconds}`)
    }

    /** The control protocol returns the state, and nothing else. */
    async look(name: string, { handle }: { handle: number | undefined }): Promise<number | undefined> {
        return name === "tcpi_state" && handle !== undefined ? STATES[await this.state(handle)] : undefined
    }
}

/** Fields of the configuration that the first connection uses up. */
const ONCE = ["iss", "localPort"]

/** Devices by what they were started with: a boot takes longer than most scripts. */
export class VmPool {
    private readonly devices = new Map<string, VmDevice>()

    /** A device with this address and configuration: scripts leave nothing on it that the next one would meet. */
    async device(network: Network, config: Readonly<Record<string, number>>): Promise<VmDevice> {
        const key = JSON.stringify([network, Object.entries(config).sort()])
        const known = this.devices.get(key)
        if (known?.alive && !ONCE.some(field => field in config)) return known
        await known?.stop()
        this.devices.delete(key)
        const device = await VmDevice.start(network, config)
        this.devices.set(key, device)
        return device
    }

    async stop(): Promise<void> {
        for (const device of this.devices.values()) await device.stop()
        this.devices.clear()
    }
}
