// A network of the router (sim/router) with hosts on it: stacks on Node, a station that is played by hand, a whole
// device.

import { expect } from "vitest"
import { W5500Chip } from "../../sim/chip/w5500"
import { Device, type DeviceOptions, type Reply } from "../../sim/device/device"
import { BuiltinHost } from "../../sim/host/host"
import type { Port, Station } from "../../sim/link/port"
import { EthernetSwitch } from "../../sim/link/switch"
import { Router, type RouterOptions } from "../../sim/router/router"
import { macFor } from "../../sim/run/boot"
import { RealClock } from "../../sim/time/clock"
import { Random } from "../../sim/time/random"
import { dissect, type View } from "../../sim/view/dissect"
import { ipv4Of, netmaskOf } from "../../src/net/address"
import { setAddress } from "../../src/net/stack"

export const ROUTER = "10.0.2.1"
export const DEVICE = "10.0.2.2"
export const PREFIX = 24
const IPV4 = 0x0800

/** A station that keeps what it hears. */
export class Probe implements Station {
    readonly name = "probe"
    readonly heard: Uint8Array[] = []
    readonly ip = "10.0.2.77"
    readonly mac = macFor(this.ip)
    private readonly port: Port

    constructor(ethernet: EthernetSwitch) {
        this.port = ethernet.attach(this)
    }

    receive(frame: Uint8Array): void {
        this.heard.push(frame)
    }

    send(frame: Uint8Array): void {
        this.port.send(frame)
    }

    /** What it heard from the router, taken apart. */
    get views(): View[] {
        return this.heard.map(frame => dissect(frame))
    }
}

/** What is different about a device. */
export interface OwnDevice extends Partial<DeviceOptions> {
    onChip?: (chip: W5500Chip) => void
}

export class Lan {
    readonly clock = new RealClock()
    readonly ethernet = new EthernetSwitch(this.clock)
    readonly log: string[] = []
    readonly network: Router
    private readonly ends: (() => void | Promise<void>)[] = []

    private constructor(options: Partial<RouterOptions>) {
        this.network = new Router({
            clock: this.clock,
            link: this.ethernet,
            random: new Random(1),
            router: ROUTER,
            prefix: PREFIX,
            mac: macFor(ROUTER),
            device: DEVICE,
            log: text => this.log.push(text),
            ...options,
        })
    }

    static async open(options: Partial<RouterOptions> = {}): Promise<Lan> {
        const lan = new Lan(options)
        await lan.network.start()
        return lan
    }

    /** A stack on Node, as a device would have it, with the router as its gateway. */
    host(last: number): BuiltinHost {
        const ip = `10.0.2.${last}`
        const host = new BuiltinHost({
            clock: this.clock,
            link: this.ethernet,
            name: ip,
            ip,
            prefix: PREFIX,
            mac: macFor(ip),
            random: new Random(last),
        })
        setAddress(host.stack, ipv4Of(ip), netmaskOf(PREFIX), ipv4Of(ROUTER))
        this.ends.push(() => host.stop())
        return host
    }

    /** A whole device: the program on its runtime, its driver, its chip. */
    async device(runtime: "vm" | "node", control: boolean, own: OwnDevice = {}): Promise<Device> {
        const chip = new W5500Chip({ clock: this.clock, send: frame => plug.send(frame) })
        const plug = this.ethernet.attach({ name: "device", receive: frame => chip.deliver(frame) })
        own.onChip?.(chip)
        const config = { connections: 8, receiveBuffer: 1024, sendBuffer: 1024 }
        const boot = {
            ip: `${DEVICE}/${PREFIX}`,
            gateway: ROUTER,
            macAddress: macFor(DEVICE),
            config,
            control,
            trace: false,
            ...own.boot,
        }
        const { clock } = this
        const device = new Device({ clock, runtime, chip, controlled: control, ...own, boot })
        this.ends.push(() => device.stop())
        await device.start()
        if (!control) await device.command(" ")
        return device
    }

    /** Lets real time pass until the condition holds. */
    async until(what: string, met: () => boolean, limit = 20_000): Promise<void> {
        await this.clock.runUntil(met, this.clock.now() + limit)
        expect(met(), what).toBe(true)
    }

    async pass(ms: number): Promise<void> {
        await this.clock.runUntil(this.clock.now() + ms)
    }

    later(end: () => void | Promise<void>): void {
        this.ends.push(end)
    }

    async close(): Promise<void> {
        for (const end of this.ends.reverse()) await end()
        await this.network.close()
        await this.ethernet.close()
    }
}

/** The words of an answer that is "ok ...". */
export function words({ lines, status }: Reply): string[] {
    expect({ lines, status }).toEqual({ lines: [expect.stringMatching(/^ok/)], status: 0 })
    return lines[0]!.split(" ").slice(1)
}

export { IPV4 }
