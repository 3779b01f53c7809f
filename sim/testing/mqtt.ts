// An MQTT broker (MQTT 3.1.1, OASIS standard of 29 October 2014) for the hosts of a test. It grants quality of service 0 to
// subscribers, and acknowledges what is published with 1.

import type { Timer } from "../time/clock"
import type { Broker } from "./api"
import { fromWire, toWire } from "./text"

/** The control packets by the upper half of their first byte (section 2.2.1). */
const Packet = {
    Connect: 1,
    ConnAck: 2,
    Publish: 3,
    PubAck: 4,
    Subscribe: 8,
    SubAck: 9,
    Unsubscribe: 10,
    UnsubAck: 11,
    PingReq: 12,
    PingResp: 13,
    Disconnect: 14,
} as const

/** Flags of CONNECT (section 3.1.2.3). */
const Flag = { Will: 0x04, WillRetain: 0x20, Password: 0x40, User: 0x80 } as const

/** One client's connection, as the broker needs it. */
interface Line {
    send(data: string): void
    close(): void
    abort(): void
}

interface Message {
    readonly topic: string
    readonly text: string
    readonly retain: boolean
}

/** Runs `run` after `ms` milliseconds of the network's time. */
type Later = (ms: number, run: () => void) => Timer

export class MqttBroker implements Broker {
    readonly messages: Message[] = []
    private readonly sessions = new Set<Session>()
    private readonly retained = new Map<string, string>()

    constructor(private readonly later: Later) {}

    get clients(): readonly string[] {
        return [...this.sessions].flatMap(({ client }) => (client === undefined ? [] : [client]))
    }

    publish(topic: string, text: string, { retain = false }: { retain?: boolean } = {}): void {
        // section 3.3.1.3: an empty retained message removes the one that is kept
        if (retain && text === "") this.retained.delete(topic)
        else if (retain) this.retained.set(topic, text)
        for (const session of this.sessions) session.deliver(topic, text, false)
    }

    /** Takes a new connection. */
    open(line: Line): Session {
        const session = new Session(this, line, this.later)
        this.sessions.add(session)
        return session
    }

    /** Takes a message of a client, or its last will. */
    take(message: Message): void {
        this.messages.push(message)
        this.publish(message.topic, message.text, message)
    }

    /** Sends a new subscriber the retained messages of its topic. */
    sendRetained(session: Session, filter: string): void {
        for (const [topic, text] of this.retained) if (matches(filter, topic)) session.send(topic, text, true)
    }

    /** Ends the older connection of a client that connects again (section 3.1.4). */
    takeOver(session: Session): void {
        for (const other of this.sessions)
            if (other !== session && other.client === session.client) other.drop()
    }

    forget(session: Session): void {
        this.sessions.delete(session)
    }
}

/** The connection of one client. */
class Session {
    /** The client's identifier; undefined before CONNECT. */
    client: string | undefined
    private readonly filters = new Set<string>()
    private data = ""
    private will: Message | undefined
    private keepAlive = 0
    private silence: Timer | undefined

    constructor(
        private readonly broker: MqttBroker,
        private readonly line: Line,
        private readonly later: Later
    ) {}

    /** Takes data of the client. */
    receive(data: string): void {
        this.data += data
        for (let packet = this.next(); packet !== undefined; packet = this.next()) {
            this.take(packet.type, packet.flags, packet.body)
        }
    }

    /** The connection is over: without DISCONNECT the broker publishes the client's last will (section 3.1.2.5). */
    end(): void {
        this.silence?.cancel()
        this.broker.forget(this)
        const will = this.will
        this.will = undefined
        if (will !== undefined) this.broker.take(will)
    }

    /** Ends the connection without waiting for the client. */
    drop(): void {
        this.line.abort()
        this.end()
    }

    deliver(topic: string, text: string, retain: boolean): void {
        if ([...this.filters].some(filter => matches(filter, topic))) this.send(topic, text, retain)
    }

    send(topic: string, text: string, retain: boolean): void {
        this.line.send(packetOf(Packet.Publish, retain ? 1 : 0, `${field(toWire(topic))}${toWire(text)}`))
    }

    /** Returns the next complete packet and removes it from the data (section 2.2.3). */
    private next(): { type: number; flags: number; body: string } | undefined {
        const { data } = this
        let length = 0
        for (let i = 1; i <= 4 && i < data.length; i++) {
            const byte = data.charCodeAt(i)
            length += (byte & 0x7f) * 128 ** (i - 1)
            if (byte >= 0x80) continue
            if (data.length < i + 1 + length) return undefined
            const first = data.charCodeAt(0)
            const body = data.slice(i + 1, i + 1 + length)
            this.data = data.slice(i + 1 + length)
            return { type: first >> 4, flags: first & 0xf, body }
        }
        return undefined
    }

    private take(type: number, flags: number, body: string): void {
        this.listen()
        switch (type) {
            case Packet.Connect:
                this.connect(body)
                break
            case Packet.Publish:
                this.publish(flags, body)
                break
            case Packet.Subscribe:
                this.subscribe(body)
                break
            case Packet.Unsubscribe:
                for (const { text } of fieldsOf(body.slice(2), 0)) this.filters.delete(text)
                this.line.send(packetOf(Packet.UnsubAck, 0, body.slice(0, 2)))
                break
            case Packet.PingReq:
                this.line.send(packetOf(Packet.PingResp, 0, ""))
                break
            case Packet.Disconnect:
                this.will = undefined
                this.line.close()
                break
            default:
                // PUBACK of a client is for quality of service 1, which no subscriber gets
                break
        }
    }

    private connect(body: string): void {
        const at = 2 + number(body, 0)
        // section 3.1.2.2: the broker knows level 4 only
        if (body.charCodeAt(at) !== 4) {
            this.line.send(packetOf(Packet.ConnAck, 0, "\0\x01"))
            this.line.close()
            return
        }
        const flags = body.charCodeAt(at + 1)
        this.keepAlive = number(body, at + 2)
        const fields = fieldsOf(body.slice(at + 4), 0).map(({ text }) => text)
        this.client = fields.shift() ?? ""
        if (flags & Flag.Will) {
            const [topic = "", text = ""] = fields
            this.will = { topic, text, retain: (flags & Flag.WillRetain) !== 0 }
        }
        this.broker.takeOver(this)
        this.line.send(packetOf(Packet.ConnAck, 0, "\0\0"))
        this.listen()
    }

    private publish(flags: number, body: string): void {
        const [topic] = fieldsOf(body, 0)
        const quality = (flags >> 1) & 3
        const at = 2 + number(body, 0)
        if (quality > 0) this.line.send(packetOf(Packet.PubAck, 0, body.slice(at, at + 2)))
        const text = fromWire(body.slice(quality > 0 ? at + 2 : at))
        this.broker.take({ topic: topic?.text ?? "", text, retain: (flags & 1) !== 0 })
    }

    private subscribe(body: string): void {
        const filters = fieldsOf(body.slice(2), 1).map(({ text }) => text)
        for (const filter of filters) this.filters.add(filter)
        this.line.send(packetOf(Packet.SubAck, 0, body.slice(0, 2) + "\0".repeat(filters.length)))
        for (const filter of filters) this.broker.sendRetained(this, filter)
    }

    /** Ends a connection that is silent for one and a half keep-alive times (section 3.1.2.10). */
    private listen(): void {
        this.silence?.cancel()
        if (this.keepAlive > 0) this.silence = this.later(this.keepAlive * 1500, () => this.drop())
    }
}

/** Returns a packet: its type and flags, the length of its body in bytes of 7 bits, the body. */
function packetOf(type: number, flags: number, body: string): string {
    let length = ""
    let rest = body.length
    do {
        length += String.fromCharCode((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0))
        rest >>= 7
    } while (rest > 0)
    return String.fromCharCode((type << 4) | flags) + length + body
}

function number(data: string, at: number): number {
    return data.charCodeAt(at) * 256 + data.charCodeAt(at + 1)
}

function field(text: string): string {
    return String.fromCharCode(text.length >> 8, text.length & 0xff) + text
}

/** Returns the texts with a length before each; `after` bytes follow each of them. */
function fieldsOf(data: string, after: number): { text: string }[] {
    const fields: { text: string }[] = []
    for (let at = 0; at + 2 <= data.length; ) {
        const length = number(data, at)
        fields.push({ text: fromWire(data.slice(at + 2, at + 2 + length)) })
        at += 2 + length + after
    }
    return fields
}

/** Returns whether a topic is one of a filter with + and # (section 4.7.1). */
function matches(filter: string, topic: string): boolean {
    const [wanted, parts] = [filter.split("/"), topic.split("/")]
    for (let i = 0; i < wanted.length; i++) {
        if (wanted[i] === "#") return true
        if (i >= parts.length || (wanted[i] !== "+" && wanted[i] !== parts[i])) return false
    }
    return wanted.length === parts.length
}
