// The network interface of a program: starts the driver and the stack, reports changes, and finds hosts.

import type { Buffer } from "@devicescript/core"
import * as ds from "@devicescript/core"
import type { Mac } from "../mac/mac"
import { power } from "../mac/power"
import { Address, ipv4Of, ipv4Text } from "../net/address"
import { Stack, setAddress } from "../net/stack"
import { Config } from "../tcp/config"
import { interfaceAddress, macAddress } from "./address-settings"
import { Network, resumed, type Worker } from "./driver-loop"
import { coded, netError } from "./errors"
import type { Sockets } from "./waiting"

export interface NetworkOptions {
    /** Makes the driver of the board's chip, such as `board` of src/board.ts. */
    mac: (address: Buffer) => Mac
    /** This host's address and the length of its network's prefix, such as "10.0.0.2/24"; or "dhcp", which needs `addressing`. */
    ip: string
    /** The router's address; "" or left out for none. */
    gateway?: string
    /** Ethernet address, six hexadecimal bytes with colons; "" or left out for one made from the device's id. */
    macAddress?: string
    /**
     * Fields of Config (tcp/config.ts) that differ from their defaults; no events are kept by default. They are not checked, as that takes
     * 1 KB of bytecode: `configure` does that.
     */
    config?: { [key: string]: number }
    /** Name servers; "" or left out for none. With "dhcp", those of the lease come first. */
    dns?: string
    dns2?: string
    /** Obtains the address for `ip: "dhcp"`; not used with any other `ip`. */
    addressing?: Addressing
    /** Resolves host names; without it only addresses can be used. */
    resolver?: Resolver
}

/** Obtains this host's address, sets it and takes it away; `dhcp` of dhcp.ts returns one. */
export interface Addressing {
    /** Called when the network starts: allocates memory and adds itself to the stack. */
    start(net: NetworkInterface): void
    /** Called when the link came up or went down. */
    link(up: boolean, now: number): void
}

/** Resolves host names; `dns` of dns.ts returns one. */
export interface Resolver {
    /** Called when the network starts: allocates memory and adds itself to the stack. */
    start(net: NetworkInterface): void
    /** Called when `net.nameserver` or `nameserver2` has changed. */
    serversChanged(): void
    /**
     * Returns the addresses of `name` in network order, at least one. Throws an Error whose message is a code, or a code, a comma and a
     * sentence: ENOTFOUND (no such name), EAI_AGAIN (no server knows or answers, or `ds.millis()` has reached `until`).
     */
    resolve(name: string, until: number): Promise<number[]>
}

let current: NetworkInterface | undefined

/** Returns the network that was started last. Throws a NetError ENETDOWN when none was. */
export function running(): NetworkInterface {
    if (!current) throw netError("", "ENETDOWN, there is no network: call startNetwork first")
    return current
}

/**
 * Starts the driver and the stack, and returns when the chip has answered or failed to. A failure is printed (level error), and the
 * driver is started again every 5 seconds. The call needs neither a cable nor an address: `connect` waits for both, `listen` works
 * without. Throws a NetError EINVAL that says which setting is wrong. All of the stack's memory is allocated here.
 */
export async function startNetwork(options: NetworkOptions): Promise<NetworkInterface> {
    try {
        current = new NetworkInterface(options)
    } catch (error) {
        throw coded(error as Error, "EINVAL")
    }
    const net = current
    if (!(await net.network.start())) startAgain.start(net.network)
    return net
}

async function startAgain(network: Network): Promise<void> {
    await network.startAgain()
}

function serverOf(text: string | undefined): number {
    if (!text) return 0
    const ip = ipv4Of(text)
    if (ip === Address.None) throw new Error(`dns "${text}" is not an IPv4 address`)
    return ip
}

/**
 * A network interface that is up, or on its way there.
 *
 * @devsWhenUsed
 */
export class NetworkInterface implements Worker {
    readonly stack: Stack
    readonly mac: Mac
    /** The sockets of the program; `socketsOf` makes them for the first one. */
    sockets: Sockets | undefined
    /** Emitted when the link or the address has changed: `isUp` and `address` return the new state. */
    readonly onchange = ds.emitter<NetworkInterface>()
    readonly network: Network
    /** Name servers, 0 for none. */
    nameserver = 0
    nameserver2 = 0
    private readonly workers: Worker[] = []
    /** Fibers that wait for the next change. */
    private readonly waiting: ds.Fiber[] = []
    private readonly addressing: Addressing | undefined
    private readonly resolver: Resolver | undefined
    /** Link and address at the last `onchange`. */
    private link = false
    private ip = 0
    /** For `breathe`: the time of the last call, and the number of calls at that time. */
    private slice = 0
    private calls = 0

    constructor(options: NetworkOptions) {
        const { ip, addressing, resolver } = options
        const config = new Config()
        config.events = 0
        if (options.config) Object.assign(config, options.config)
        const station = macAddress(options.macAddress || "")
        this.mac = options.mac(station)
        const stack = new Stack(config, station)
        this.stack = stack
        this.network = new Network(stack, this.mac, this)
        this.resolver = resolver
        if (resolver) resolver.start(this)
        this.setServers(serverOf(options.dns), serverOf(options.dns2))
        if (ip !== "dhcp") {
            const own = interfaceAddress(ip, options.gateway || "")
            setAddress(stack, own.ip, own.netmask, own.gateway)
            this.ip = own.ip
        } else {
            if (!addressing) throw new Error(`ip "dhcp" needs the option addressing, such as dhcp()`)
            this.addressing = addressing
            addressing.start(this)
        }
    }

    /** Sets the name servers, 0 for none; called by `addressing`. */
    setServers(first: number, second: number): void {
        this.nameserver = first
        this.nameserver2 = second
        if (this.resolver) this.resolver.serversChanged()
    }

    /** Returns true while there is a link and an address. */
    isUp(): boolean {
        return this.mac.linkUp && this.stack.ip !== 0
    }

    /** Returns this host's address, "0.0.0.0" while it has none. */
    address(): string {
        return ipv4Text(this.stack.ip)
    }

    /** Waits until there is a link and an address. Returns false when `timeout` milliseconds have passed. */
    async up(timeout?: number): Promise<boolean> {
        const until = timeout === undefined ? undefined : ds.millis() + timeout
        await this.breathe()
        while (!this.isUp()) {
            const left = until === undefined ? undefined : until - ds.millis()
            if (left !== undefined && left <= 0) return false
            const fiber = ds.Fiber.self()
            this.waiting.push(fiber)
            if (!(await ds.suspend<boolean>(left))) this.waiting.insert(this.waiting.indexOf(fiber), -1)
        }
        return true
    }

    /**
     * Waits until this host is up and returns the address of `host` in network order. Throws a NetError whose text begins with `what`:
     * ENETDOWN or EADDRNOTAVAIL (no link, or no address, until `until`), ENOTFOUND, EAI_AGAIN.
     */
    async find(host: string, until: number, what: string): Promise<number> {
        return (await this.findAll(host, until, what))[0] as number
    }

    /** Returns all known addresses of `host`, as `find` does the first: another is tried when the first does not answer. */
    async findAll(host: string, until: number, what: string): Promise<number[]> {
        if (!(await this.up(until - ds.millis()))) {
            throw netError(what, this.mac.linkUp ? "EADDRNOTAVAIL" : "ENETDOWN")
        }
        const ip = ipv4Of(host)
        if (ip !== Address.None) return [ip]
        if (!this.resolver) throw netError(what, "ENOTFOUND, host names need a resolver: see startNetwork")
        try {
            return await this.resolver.resolve(host, until)
        } catch (error) {
            throw netError(what, (error as Error).message)
        }
    }

    /** Adds a worker, which is called whenever a connection or the link may have changed. */
    add(worker: Worker): void {
        this.workers.push(worker)
        this.network.poke()
    }

    remove(worker: Worker): void {
        const at = this.workers.indexOf(worker)
        if (at >= 0) this.workers.insert(at, -1)
    }

    work(now: number): void {
        const { mac, stack } = this
        const linked = mac.linkUp !== this.link
        if (linked) {
            this.link = mac.linkUp
            if (this.addressing) this.addressing.link(this.link, now)
        }
        if (linked || stack.ip !== this.ip) {
            this.ip = stack.ip
            this.onchange.emit(this)
            const { waiting } = this
            while (waiting.length > 0) {
                const fiber = waiting[0] as ds.Fiber
                waiting.insert(0, -1)
                resumed(fiber)
            }
        }
        for (const worker of this.workers) worker.work(now)
    }

    now(): number {
        return ds.millis() | 0
    }

    /** Sends what is due now, rather than when the driver polls next. */
    flush(): void {
        if (this.stack.dirty) power.wake()
    }

    /**
     * Lets other fibers run after 16 calls in a row that did not have to wait: the VM ends a program that takes 131,072 operations without
     * a pause. The data of fewer calls can still leave in one segment.
     */
    async breathe(): Promise<void> {
        const now = ds.millis()
        if (now !== this.slice) {
            // the clock stands still between two awaits
            this.slice = now
            this.calls = 0
        } else if (++this.calls > 15) {
            this.calls = 0
            await ds.sleep(1)
        }
    }

    /** Schedules a call of all workers. */
    poke(): void {
        this.network.poke()
    }
}
