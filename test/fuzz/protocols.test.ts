// Whatever comes to the ports of DHCP, DNS, multicast DNS, SNTP and to a ping: answers to what was really asked, sound or bent.
// Nothing throws, never ends or grows; what is sent is sound; and the VM does the very same.

import { Buffer as DeviceBuffer } from "@devicescript/core"
import { describe, expect, test } from "vitest"
import { W5500Chip } from "../../sim/chip/w5500"
import { Device } from "../../sim/device/device"
import { VirtualClock } from "../../sim/time/clock"
import { Random } from "../../sim/time/random"
import { dissect, type View } from "../../sim/view/dissect"
import { receive } from "../../src/net/receive"
import { transmit } from "../../src/net/transmit"
import { ProtocolStack } from "../programs/protocol-stack"
import { addresses, option, time, writeAnswer } from "../support/dhcp"
import { A, CNAME, dnsMessage, dnsName, number16, pointer, question, SOA } from "../support/dns"
import { address, arp, ethernet, icmp, ipv4, u32, udp } from "../support/frames"
import { record, tsharkAgrees } from "../support/tshark"

const US = "02:00:00:00:00:01"
const SERVER = { ip: "10.0.0.53", mac: "02:00:00:00:01:53" }
const OURS = "10.0.0.1"
const CASES = Number(process.env.CASES ?? 1)
const SESSIONS = 100 * CASES
const STEPS = 300
const VM_SESSIONS = 2
/** A datagram of the server's under checksums that fit. */
function sound(data: number[], to: number, from: number): Uint8Array {
    const [destination, mac] =
        to === 68
            ? ["255.255.255.255", "ff:ff:ff:ff:ff:ff"]
            : to === 5353
              ? ["224.0.0.251", "01:00:5e:00:00:fb"]
              : [OURS, US]
    const header = { source: SERVER.ip, destination }
    const body = udp(header, { sourcePort: from, destinationPort: to }, data)
    return ethernet(mac, SERVER.mac, 0x0800, ipv4({ ...header, protocol: 17 }, body))
}

/** More frames than any step may lead to. */
const MOST = 20

type Step = { what: string; argument: string; now: number }

/** A session: what goes in is made from what came out. */
class Session {
    readonly steps: Step[] = []
    readonly out: string[][] = []
    readonly seen = new Map<string, number>()
    private readonly target: ProtocolStack
    private now = 1000
    /** What it asked last, by the port or kind. */
    private readonly asked = new Map<string, View>()

    constructor(private readonly random: Random) {
        const mac = DeviceBuffer.from(US.replaceAll(":", ""), "hex")
        this.target = new ProtocolStack(mac)
    }

    private int(from: number, to: number): number {
        return from + this.random.integer(to - from + 1)
    }

    run(steps: number): this {
        this.act(0)
        for (let i = 0; i < steps; i++) {
            const r = this.int(0, 9)
            this.now = (this.now + (r === 0 ? this.int(0, 100_000) : this.int(0, 600))) | 0
            if (r <= 2) this.act(this.int(1, 6))
            else this.frame(this.some())
        }
        return this
    }

    /** Has an address, then gets the messages that take longest to read. */
    worst(): this {
        this.act(0)
        for (const type of [2, 5]) {
            const asked = this.asked.get("67")
            if (asked?.kind !== "udp") throw new Error("it asks nobody")
            const options = [...addresses(54, SERVER.ip), ...time(51, 3600), ...addresses(6, SERVER.ip)]
            const xid = new DataView(asked.payload.buffer, asked.payload.byteOffset).getUint32(4)
            const message = writeAnswer({ type, xid, yiaddr: OURS, chaddr: US, options })
            this.frame(sound(message, 68, 67))
        }
        for (let i = 0; i < 10; i++) {
            this.now += 300
            this.act(5)
        }
        this.act(2)
        this.frame(this.answer(this.asked.get("arp")))
        const asked = this.asked.get("53")
        if (asked?.kind !== "udp") throw new Error("it asks nobody for names")
        const id = number16(asked.payload, 0)
        const name = question("host.example")
        // the longest name there may be, and aliases that each add a letter to a part of it
        const long = Array.from({ length: 125 }, () => [1, 97]).flat()
        const start = 12 + name.length
        const first = { name: pointer(12), type: CNAME, data: [...long, 0] }
        const records = Array.from({ length: 60 }, (_, i) => ({
            name: pointer(i === 0 ? start + 12 : start + 12 + long.length + 1 + 12 + (i - 1) * 16),
            type: CNAME,
            data: [1, 98, ...pointer(start + 14)],
        }))
        const chain = dnsMessage({ id, question: name, answers: [first, ...records] })
        // pointers to pointers, and labels of one byte
        const hops = Array.from({ length: 600 }, (_, i) =>
            pointer(i === 0 ? 12 : start + 12 + 2 * (i - 1))
        ).flat()
        const jumps = dnsMessage({
            id,
            question: name,
            answers: [
                { name: pointer(12), type: 16, data: hops },
                ...Array.from({ length: 10 }, () => ({
                    name: pointer(start + 12 + 1198),
                    type: A,
                    data: address("6.6.6.6"),
                })),
            ],
        })
        const labels = dnsMessage({
            id: 0,
            flags: 0,
            questions: 2,
            question: [...Array.from({ length: 720 }, () => [1, 97]).flat(), 0, 0, 1, 0, 1],
        })
        const many = Array.from({ length: 280 }, () => [0, 0, 1, 0, 1]).flat()
        this.frame(sound(jumps, asked.sourcePort, 53))
        this.frame(sound(chain, asked.sourcePort, 53))
        this.frame(sound(labels, 5353, 5353))
        this.frame(sound(dnsMessage({ id: 0, flags: 0, questions: 280, question: many }), 5353, 5353))
        return this
    }

    private act(what: number): void {
        this.target.act(what, this.now)
        this.after("act", `${what}`)
    }

    private frame(frame: Uint8Array): void {
        const { stack } = this.target
        const bytes = frame.subarray(0, 1514)
        stack.rx.set(bytes)
        receive(stack, bytes.length, this.now)
        this.after("frame", Buffer.from(bytes).toString("hex"))
    }

    private after(what: string, argument: string): void {
        const { stack } = this.target
        const lines: string[] = []
        for (let n = transmit(stack, this.now); n > 0; n = transmit(stack, this.now)) {
            const frame = Uint8Array.from(stack.tx.subarray(0, n))
            record(frame, this.now)
            this.look(dissect(frame))
            lines.push(Buffer.from(frame).toString("hex"))
            if (lines.length > MOST) throw new Error(`no end of frames after ${what} ${argument}`)
        }
        const state = this.target.state(this.now)
        const [, dhcp = "", name = ""] = state.split(" ")
        for (const key of [`dhcp ${dhcp}`, `name ${name}`]) this.seen.set(key, (this.seen.get(key) ?? 0) + 1)
        this.out.push([...lines, state])
        this.steps.push({ what, argument, now: this.now })
    }

    private look(view: View): void {
        if (view.kind === "malformed") throw new Error(view.reason)
        if ("headerChecksumValid" in view) expect(view.headerChecksumValid).toBe(true)
        if ("checksumValid" in view) expect(view.checksumValid).toBe(true)
        if (view.kind === "udp") this.asked.set(`${view.destinationPort}`, view)
        else this.asked.set(view.kind, view)
    }

    /** A frame, more often than not an answer to the last question of some kind. */
    private some(): Uint8Array {
        const keys = [...this.asked.keys()]
        const key = keys.length === 0 ? "" : keys[this.int(0, keys.length - 1)]!
        const frame = this.answer(this.asked.get(key))
        return this.int(0, 2) === 0 ? this.bend(frame) : frame
    }

    private answer(view: View | undefined): Uint8Array {
        if (view?.kind === "arp") {
            const said = {
                operation: 2,
                senderMac: SERVER.mac,
                senderIp: view.targetIp,
                targetMac: US,
                targetIp: OURS,
            }
            return ethernet(US, SERVER.mac, 0x0806, arp(said))
        }
        if (view?.kind === "icmp" && view.echo !== undefined) {
            const rest = view.echo.identifier * 0x10000 + view.echo.sequence
            const header = { source: view.destination, destination: OURS, protocol: 1 }
            return ethernet(US, SERVER.mac, 0x0800, ipv4(header, icmp(0, 0, rest, view.payload)))
        }
        if (view?.kind !== "udp") return this.datagram([], 7, 5000)
        const { payload, sourcePort, destinationPort } = view
        const source = view.destination.startsWith("10.") ? view.destination : SERVER.ip
        const back = (data: number[]) => this.datagram(data, sourcePort, destinationPort, source)
        switch (destinationPort) {
            case 67:
                return back(this.dhcp(payload))
            case 123:
                return back(this.ntp(payload))
            case 53:
            case 5353:
                return back(this.dns(payload))
            default:
                return back([...payload])
        }
    }

    private dhcp(asked: Uint8Array): number[] {
        const [offer, ack, nak] = [2, 5, 6]
        const discover = asked[242] === 1
        const type = this.int(0, 5) === 0 ? nak! : discover ? offer! : ack!
        const lease = this.int(0, 3) === 0 ? this.int(0, 100) : 3600
        const own = [
            ...addresses(54, SERVER.ip),
            ...time(51, lease),
            ...addresses(1, "255.255.255.0"),
            ...addresses(3, "10.0.0.254"),
            ...addresses(6, SERVER.ip),
            ...addresses(42, SERVER.ip),
        ]
        const overload = this.int(0, 3) === 0
        return writeAnswer({
            type,
            xid: new DataView(asked.buffer, asked.byteOffset).getUint32(4),
            yiaddr: type === nak ? "0.0.0.0" : OURS,
            chaddr: US,
            options: overload ? [...own, ...option(52, this.int(0, 4))] : own,
            file: overload ? own : [],
        })
    }

    private ntp(asked: Uint8Array): number[] {
        const stratum = this.int(0, 4) === 0 ? this.int(0, 17) : 2
        const head = [0x24, stratum, 6, 0xec, ...u32(0), ...u32(0), 82, 65, 84, 69]
        return [
            ...head,
            ...u32(1),
            ...u32(2),
            ...asked.subarray(40, 48),
            ...u32(3),
            ...u32(4),
            ...u32(-5),
            ...u32(6),
        ]
    }

    private dns(asked: Uint8Array): number[] {
        const id = number16(asked, 0)
        const all = [
            { name: pointer(12), type: A, data: address("192.0.2.1"), ttl: this.int(0, 100) },
            { name: pointer(12), type: CNAME, data: dnsName(this.int(0, 1) ? "b.example" : "host.example") },
            { name: dnsName("b.example"), type: A, data: address("192.0.2.2") },
            { name: dnsName("box.local"), type: A, data: address("10.0.0.200") },
            { name: pointer(this.int(0, 60)), type: A, data: address("192.0.2.3") },
        ]
        const answers = all.filter(() => this.int(0, 2) === 0)
        const soa = { name: [0], type: SOA, data: [0, 0, ...[1, 2, 3, 4, 5].flatMap(u32)] }
        const name =
            this.int(0, 2) === 0 ? question("box.local", this.int(0, 1) ? A : 28) : [...asked.subarray(12)]
        const flags = this.int(0, 3) === 0 ? this.int(0, 0xffff) : 0x8180
        return dnsMessage({ id, flags, question: name, answers, authorities: this.int(0, 3) ? [] : [soa] })
    }

    private datagram(data: number[], to: number, from: number, source = SERVER.ip): Uint8Array {
        const group = to === 5353
        const everybody = to === 68
        const destination = group ? "224.0.0.251" : everybody ? "255.255.255.255" : OURS
        const mac = group ? "01:00:5e:00:00:fb" : everybody ? "ff:ff:ff:ff:ff:ff" : US
        const bent = this.int(0, 2) === 0 ? this.bendData(data) : data
        const header = { source, destination }
        const body = udp(header, { sourcePort: from, destinationPort: to }, bent)
        return ethernet(mac, SERVER.mac, 0x0800, ipv4({ ...header, protocol: 17 }, body))
    }

    /** Data with bytes changed, cut or put in, under checksums that fit. */
    private bendData(data: number[]): number[] {
        const bent = [...data]
        for (let i = this.int(1, 3); i > 0 && bent.length > 0; i--) {
            const at = this.int(0, bent.length - 1)
            const kind = this.int(0, 4)
            if (kind === 0) bent.length = at
            else if (kind === 1) bent.splice(at, this.int(1, 4))
            else if (kind === 2) bent.splice(at, 0, this.int(0, 255), this.int(0, 255))
            else if (kind === 3) bent[at] = [0, 1, 4, 63, 64, 0xc0, 0xff][this.int(0, 6)]!
            else bent[at] = this.int(0, 255)
        }
        return bent.slice(0, 1472)
    }

    /** Anything changed anywhere. */
    private bend(frame: Uint8Array): Uint8Array {
        const bent = Uint8Array.from(frame)
        bent[this.int(0, bent.length - 1)] = this.int(0, 255)
        return bent.subarray(0, this.int(0, 3) === 0 ? this.int(0, bent.length) : bent.length)
    }
}

test(`${SESSIONS} sessions of ${STEPS} frames and calls break no rule`, () => {
    const seen = new Map<string, number>()
    for (let seed = 1; seed <= SESSIONS; seed++) {
        const session = new Session(new Random(seed)).run(STEPS)
        for (const [key, n] of session.seen) seen.set(key, (seen.get(key) ?? 0) + n)
    }
    // it got everywhere: every state of DHCP's but OFF and CLAIMING, which is over at once here, and another name
    for (const state of [1, 2, 3, 5, 6, 7, 8])
        expect(seen.get(`dhcp ${state}`), `state ${state}`).toBeGreaterThan(0)
    expect(seen.get("name box-2")).toBeGreaterThan(0)
})

describe("fuzzed protocols on the VM", () => {
    test.each([
        ...Array.from({ length: VM_SESSIONS }, (_, i) => [`session ${i + 1} of ${STEPS}`, i + 1] as const),
        ["the message that takes longest to read, within the VM's 131,072 operations,", 0] as const,
    ])("%s prints the same as on Node", async (_, seed) => {
        const session = new Session(new Random(seed))
        if (seed === 0) session.worst()
        else session.run(STEPS)
        const clock = new VirtualClock()
        const chip = new W5500Chip({ clock, send: () => {} })
        const panics: string[] = []
        const device = new Device({
            ...{ clock, chip, runtime: "vm", seed, program: "test/programs/fuzz-protocols.ts" },
            boot: {},
            controlled: true,
            onPanic: panic => panics.push(`panic ${JSON.stringify(panic)}`),
        })
        await device.start()
        for (const [i, step] of session.steps.entries()) {
            let lines: string[] | undefined
            device.command(`${step.what} ${step.argument} ${step.now}`).then(
                reply => {
                    lines = reply.lines
                },
                error => panics.push(String(error))
            )
            await clock.runUntil(() => lines !== undefined || panics.length > 0, clock.now() + 60_000)
            expect(panics, `step ${i}: ${JSON.stringify(step)}`).toEqual([])
            expect(lines, `seed ${seed}, step ${i}: ${JSON.stringify(step)}`).toEqual(session.out[i])
        }
        device.stop()
    })
})

tsharkAgrees("dns")
