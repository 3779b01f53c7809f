// The network interface of a program: starts the driver and the stack, reports changes, and finds hosts.

import type { Buffer } from "@devicescript/core"
import * as ds from "@devicescript/core"
import { netError } from "../base/errors"
import type { Mac } from "../mac/mac"
import { power } from "../mac/poll-wait"
import { Address, ipv4Of, ipv4Text } from "../net/address"
import { Stack, setAddress } from "../net/stack"
import { Config } from "../tcp/config"
import { interfaceAddress, macAddress } from "./address-settings"
import { Network, resumed, type Worker } from "./driver-loop"
import type { Sockets } from "./waiting"

/** Settings of `startNetwork`. */
export interface NetworkOptions {
    /** Creates the driver of the board's chip, with this Ethernet address of 6 bytes. */
    mac: (address: Buffer) => Mac
    /** This host's address and the length of its network's prefix, such as "10.0.0.2/24", or "dhcp", which needs `addressing`. */
    ip: string
    /** The router's address; "" = none, the default. */
    gateway?: string
    /** Ethernet address, six hexadecimal bytes with colons; "", the default, for one derived from the device's id. */
    macAddress?: string
    /**
     * Fields of Config that differ from their defaults; `events` is 0 unless it is set here. The fields are not checked, because the check
     * takes code: `configure` does it.
     */
    config?: { [key: string]: number }
    /** Address of the first name server; "" = none, the default. With "dhcp" the servers that DHCP reports replace both. */
    dns?: string
    /** Address of the second name server; "" = none, the default. */
    dns2?: string
    /** Finds the address for `ip: "dhcp"`: `dhcp()`. Not used with another `ip`. */
    addressing?: Addressing
    /** Finds the addresses of names: `dns()`. Without it hosts can only be addresses. */
    resolver?: Resolver
}

/** Finds an address for this host, sets and removes it: `dhcp()`. */
export interface Addressing {
    /** Starts with the network: adds itself to the stack, and allocates its memory. */
    start(net: NetworkInterface): void
    /** Called when the link comes up or goes down; `now` is in milliseconds. */
    link(up: boolean, now: number): void
}

/** Finds the addresses of names: `dns()`. */
export interface Resolver {
    /** Starts with the network: adds itself to the stack, and allocates its memory. */
    start(net: NetworkInterface): void
    /** Called when the name servers, `net.nameserver` and `net.nameserver2`, have changed. */
    serversChanged(): void
    /**
     * Returns the addresses of `name` as the wire has them, at least one. Throws an Error whose message is a code, or a code, a comma and a
     * sentence: ENOTFOUND (no such name), EAI_AGAIN (no server answers, or `ds.millis()` has reached `until`).
     */
    resolve(name: string, until: number): Promise<number[]>
}

let current: NetworkInterface | undefined

/** Returns the network that was started last. Throws a NetError ENETDOWN if no network was started. */
export function currentNetwork(): NetworkInterface {
    if (!current) throw netError("", "ENETDOWN, there is no network: call startNetwork first")
    return current
}

/**
 * Starts the driver and the stack, allocates all of the stack's memory, and returns when the chip has answered. When the chip
 * does not answer, prints why (level error), returns nevertheless, and starts the driver again every 5 seconds. The call needs
 * neither a cable nor an address: `connect` waits for both, `listen` works without. Throws a NetError EINVAL that says which
 * setting is wrong.
 */
export async function startNetwork(options: NetworkOptions): Promise<NetworkInterface> {
    try {
        current = new NetworkInterface(options)
    } catch (error) {
        throw netError("network: ", `EINVAL, ${(error as Error).message}`)
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
 * The network interface that `startNetwork` starts and keeps up.
 *
 * @devsWhenUsed
 */
export class NetworkInterface implements Worker {
    /** The stack, for `new HttpServer` and the calls of "devicescript-tcp/src/tcp/calls". */
    readonly stack: Stack
    /** The driver: its counters, and whether the cable has a link. */
    readonly mac: Mac
    /** The sockets, once the program has opened one: `socketsOf` creates them. @internal */
    sockets: Sockets | undefined
    /** Emitted when the link or the address has changed: `isUp` and `address` return the new values. */
    readonly onchange = ds.emitter<NetworkInterface>()
    /** @internal */
    readonly network: Network
    /** First name server as the wire has it (`ipv4Text` prints it), 0 = none. */
    nameserver = 0
    /** Second name server, 0 = none. */
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

    /** @internal */
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

    /** Sets both name servers, addresses as the wire has them, 0 = none: for an `Addressing`. */
    setServers(first: number, second: number): void {
        this.nameserver = first
        this.nameserver2 = second
        if (this.resolver) this.resolver.serversChanged()
    }

    /** Returns true while the host has a link and an address. */
    isUp(): boolean {
        return this.mac.linkUp && this.stack.ip !== 0
    }

    /** Returns this host's address, "0.0.0.0" while it has none. */
    address(): string {
        return ipv4Text(this.stack.ip)
    }

    /**
     * Waits until the host has a link and an address. Returns false when `timeout` ms have passed; without `timeout` it waits
     * forever.
     */
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
     * Waits until this host is up, and returns the address of `host`, an address or a name, as the wire has it. Throws a NetError that begins
     * with `what`: ENETDOWN or EADDRNOTAVAIL (no link, no address before `ds.millis()` reaches `until`), ENOTFOUND, EAI_AGAIN.
     */
    async find(host: string, until: number, what: string): Promise<number> {
        return (await this.findAll(host, until, what))[0] as number
    }

    /**
     * Returns all known addresses of `host`, at least one, like `find`: a caller tries the next when the first does not answer.
     */
    async findAll(host: string, until: number, what: string): Promise<number[]> {
        if (!(await this.up(until - ds.millis()))) {
            const { noLink } = this.mac
            const down = noLink ? `ENETDOWN, ${noLink}` : "ENETDOWN"
            throw netError(what, this.mac.linkUp ? "EADDRNOTAVAIL" : down)
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

    /**
     * Adds a worker, such as an HttpServer, which is called whenever connections or the link may have changed, and at least once
     * a second.
     */
    add(worker: Worker): void {
        this.workers.push(worker)
        this.network.poke()
    }

    /** Removes a worker, which is no longer called. */
    remove(worker: Worker): void {
        const at = this.workers.indexOf(worker)
        if (at >= 0) this.workers.insert(at, -1)
    }

    /** @internal */
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

    /** Returns the stack's time, milliseconds that wrap at 2^32: `ds.millis() | 0`. */
    now(): number {
        return ds.millis() | 0
    }

    /**
     * Wakes the driver's fiber if a frame is due to be sent. A program calls it after a call of "devicescript-tcp/src/tcp/calls".
     */
    flush(): void {
        if (this.stack.dirty) power.wake()
    }

    /**
     * Lets the other fibers run when a program has made 16 calls in a row that did not have to wait, because the VM ends a
     * program that executes 131,072 operations without a pause. Data that is sent in fewer calls than that can still leave in one
     * segment.
     *
     * @internal
     */
    async breathe(): Promise<void> {
        const now = ds.millis()
        if (now !== this.slice) {
            // the clock does not advance between two awaits
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
