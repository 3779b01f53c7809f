// Follows a device on its network and explains each failure once, as soon as it shows: from frames, events of the stack, the cable, and the
// errors that the program prints.

import type { Connection } from "../analysis/connection"
import { other } from "../analysis/connection"
import { Connections, type Seen } from "../analysis/connections"
import { Mark } from "../analysis/marks"
import { Bit } from "../analysis/segment"
import { ethernetPacket } from "../capture/packet"
import type { StackEvent, Tuple } from "../device/events"
import type { Fate } from "../link/impair"
import type { ArpView, TcpView, UdpView, View } from "../view/dissect"
import { noteDriver } from "./chip"
import { cableWasOut, isClosed, openedLate, whyConnection, whyDropped, withoutCable } from "./connection"
import { BEFORE_OPEN, goesOn, PASSING, replacedBy, UNHEARD } from "./corrections"
import { datagramsLost, portClosed, whyNoDatagram } from "./datagrams"
import { whyNoAddress } from "./dhcp"
import { type Diagnosis, diagnosis, diagnosisLines } from "./diagnosis"
import { whyNoName } from "./dns"
import { whyError } from "./errors"
import { Evidence, failedCheck, type Self } from "./evidence"
import { general, healthy, recovered, scanned, sharedAddress } from "./general"
import { notJson, requestIn } from "./http"
import { lostSyns } from "./line"
import { askedFor, sameMac, targetsOf, withoutNeighbour } from "./opening"
import { keyOf, OwnConnections } from "./own-connections"
import { addressTaken, lateAnswer, whyNoReply, whyNotReached } from "./reaching"
import { answeredAfterAll, mute, UNANSWERED, waitingFor } from "./refusals"
import { isOfOlder } from "./resets"
import { resultOf } from "./result"
import { arrivesBothWays, segmentsBetween } from "./sightings"

/** An explained failure. */
export interface Explained extends Diagnosis {
    /** When it was explained, ms. */
    readonly time: number
    /** The connection that it is about; undefined if it is about none. */
    readonly about: Tuple | undefined
    /** The number that the device gave that connection; undefined while it has none. */
    readonly id: number | undefined
    /** The host that was not reached, if it is about none: an address, or an address and a port. */
    readonly peer?: string | undefined
}

const MOST_CONNECTIONS = 500
const MOST_EXPLAINED = 200
/** Retransmissions without an answer, and messages of a service, from which on a failure is explained before it is final. */
const RETRANSMISSIONS = 4
const MESSAGES = 4
/** Causes of resets that a program asks for. */
const WISHED: readonly string[] = ["reset", "reset-after-close", "withdrawn"]
/** The event of a reset follows within this time, ms. */
const EVENT_WITHIN = 100
/** A connection whose last segment is younger than this may still move on, ns. */
const PATIENCE = 2e9
/** The same sentence is not repeated within this time, ms. */
const REPEATED = 60_000
/** The number of ARP requests after which the stack gives up (src/net/arp.ts). */
const ARP_TRIES = 3
/** Closed ports of the device that a host has tried from which on it scans. */
const SCAN = 4
/** A window that is shut for this long is explained, ns. */
const SHUT = 10e9

export class Explainer {
    readonly evidence: Evidence
    readonly all: Explained[] = []
    private readonly connections: Connections
    private readonly own: OwnConnections
    /** What was explained already: the connection or the service, and the cause. */
    private readonly done = new Set<string>()
    /** Connections that have failed: what comes after it explains nothing. */
    private readonly final = new WeakSet<Connection>()
    /** Connections whose answer is looked at again after a time. */
    private readonly watched = new WeakSet<Connection>()
    /** Resets that were not explained yet: the event of the device's stack follows, if the program keeps events. */
    private resets: { readonly connection: Connection; readonly time: number }[] = []
    private readonly asked = { dhcp: 0, dns: 0 }
    private now = 0

    /** Creates the explainer of the device that `self` describes. `report` receives each explained failure. `later` calls a function in `ms`. */
    constructor(
        private readonly self: () => Self,
        private readonly report: (explained: Explained) => void = () => {},
        private readonly later: (ms: number, run: (now: number) => void) => void = () => {}
    ) {
        this.evidence = new Evidence(self)
        this.connections = new Connections(
            { segment: seen => this.segment(seen), icmp: () => {} },
            { start: { seconds: 0, nanoseconds: 0 }, most: MOST_CONNECTIONS }
        )
        this.own = new OwnConnections(self, this.connections)
    }

    /** Notes a frame that a station sent; `lost` says why nobody gets it, `arrives` when the device does. */
    sent(frame: Uint8Array, from: string, time: number, lost: Fate["lost"], arrives?: number): void {
        this.tick(time)
        const view = this.evidence.sent(frame, from, time, lost, arrives)
        if (view.kind !== "tcp") this.noteService(view, from)
        else if (lost !== undefined) this.lostSegment(view)
        if (from === this.self().station) this.port(frame, view, time)
    }

    /** Notes a frame of ARP, DHCP or DNS, and explains what it shows. */
    private noteService(view: View, from: string): void {
        const { evidence } = this
        const own = this.self()
        if (view.kind === "arp" && view.senderIp === own.ip && from !== own.station)
            this.service(addressTaken(evidence))
        const user = evidence.users.get(evidence.mac)?.find(one => one !== own.station)
        if (view.kind === "arp" && user !== undefined) this.service(sameMac(own.name, user, evidence.mac))
        if (view.kind === "arp" && from !== own.station) this.noteNeighbour(view)
        if (view.kind === "arp" && from === own.station) this.noteAsked(view)
        if (view.kind === "icmp" && view.destination === own.ip) {
            const closed = portClosed(evidence, view)
            if (closed !== undefined) {
                const { port, ...why } = closed
                this.add(why.sentence, why, undefined, port)
            }
        }
        if (view.kind !== "udp") return
        const isOwn = from === own.station
        if (isOwn) this.noteDatagram(view)
        if (isOwn && view.destinationPort === 67 && ++this.asked.dhcp >= MESSAGES)
            this.service(whyNoAddress(evidence))
        if (isOwn && view.destinationPort === 53 && ++this.asked.dns >= MESSAGES)
            this.service(whyNoName(evidence))
        // the answer has been seen, but has not arrived yet: its effect comes with the program's error
    }

    /** Explains the open connections with a host for which the line loses the ARP requests. */
    private noteAsked({ targetIp }: ArpView): void {
        const asked = askedFor(this.evidence, this.self().ip, targetIp, 0)
        if (asked === undefined || asked.lost < ARP_TRIES || asked.lost < asked.count) return
        for (const connection of this.connections.list) {
            if (!connection.addresses.includes(targetIp) || connection.handshake.ack === undefined) continue
            if (!isClosed(connection)) this.explain(connection)
        }
    }

    /** Explains that no datagram to a port arrives. */
    private noteDatagram({ destination, destinationPort }: UdpView): void {
        const why = datagramsLost(this.evidence, destination, destinationPort)
        const name = `${destination}:${destinationPort}`
        if (why !== undefined && !this.all.some(({ sentence }) => sentence.includes(name)))
            this.add(`udp ${name}`, why, undefined, name)
    }

    /** Explains that an answer to ARP comes too late for a failure that is explained, or that two hosts have an address that the device talks to. */
    private noteNeighbour({ operation, senderIp }: ArpView): void {
        const { evidence, now } = this
        const { ip, name } = this.self()
        const macs = evidence.shared.get(senderIp)
        if (macs !== undefined && senderIp !== ip && targetsOf(evidence, ip).includes(senderIp))
            this.add(`shared ${senderIp}`, sharedAddress(name, senderIp, macs), undefined)
        if (operation !== 2) return
        const failed = this.all.filter(
            ({ cause, sentence }) => UNHEARD.includes(cause) && sentence.includes(senderIp)
        )
        const asked = askedFor(evidence, ip, senderIp, 0)
        const last = failed.at(-1)
        if (last === undefined || asked === undefined || last.time < asked.last) return
        const why = lateAnswer(name, senderIp, now, asked)
        this.add(`late ${senderIp}`, { ...why, replaces: replacedBy(last) }, last.about)
    }

    /** Notes a frame as a station received it. */
    arrived(frame: Uint8Array, to: string, time: number): void {
        this.now = time
        const view = this.evidence.arrived(frame, to, time)
        if (to === this.self().station) this.port(frame, view, time)
    }

    /** Notes a frame that passes the device's port. */
    private port(frame: Uint8Array, view: View, time: number): void {
        // a frame that the stack drops as damaged belongs to no connection
        if (failedCheck(view) !== undefined) return
        this.connections.take(ethernetPacket(frame, time), true)
    }

    /** Notes an event of the device's stack; returns why a connection failed. */
    event(event: StackEvent, time: number): Diagnosis | undefined {
        this.now = time
        if (event.kind === "drop") this.dropped(this.self().ip, event.reason)
        if (event.kind === "state") {
            this.own.noteId(event, time)
            // the peer has not closed within the time that the stack waits for it
            const connection = event.from === "FIN-WAIT-2" && event.to === "CLOSED" && this.own.of(event)
            if (connection) this.explain(connection, ["half-closed"])
        }
        return event.kind === "failed" ? this.failed(event, event.error) : undefined
    }

    /** Notes an event of another host's stack. */
    otherEvent(ip: string, event: StackEvent, time: number): void {
        this.now = time
        if (event.kind === "drop") this.dropped(ip, event.reason)
    }

    /** Notes that the device was switched off and on: it numbers its connections anew. */
    restart(): void {
        this.own.restart()
    }

    /** Notes that the device's cable was plugged in or out. */
    cable(plugged: boolean, time: number): void {
        const { evidence } = this
        this.now = time
        if (plugged) this.noteCableIn(time)
        else if (evidence.cableOut === undefined) evidence.outs++
        if (plugged && evidence.cableOut !== undefined)
            evidence.lastOut = { from: evidence.cableOut, until: time }
        evidence.cableOut = plugged ? undefined : (evidence.cableOut ?? time)
    }

    /** Corrects what was said of the cable, which is in again. */
    private noteCableIn(time: number): void {
        const { cableOut } = this.evidence
        const last = this.all.filter(({ cause }) => cause === "cable-out").at(-1)
        if (cableOut === undefined || last === undefined || last.time < cableOut) return
        const why = cableWasOut(this.self().name, cableOut, time, this.evidence.outs)
        this.add(`cable in ${time}`, { ...why, replaces: replacedBy(last) }, last.about)
    }

    /** Notes what happened between the device's chip and its network, in words. */
    note(text: string, time: number): void {
        this.evidence.note = { text, time }
    }

    /** Notes that the simulator sets a fault of the device's chip or, with `isOn` false, ends it. */
    fault(name: string, isOn: boolean, time: number): void {
        if (isOn) this.evidence.faults.set(name, { time })
        else this.evidence.faults.delete(name)
    }

    /** Explains an error that the program or a command printed; a text without an error's code explains nothing. */
    error(text: string, time: number): Diagnosis | undefined {
        this.now = time
        this.evidence.said = { time, text }
        noteDriver(this.evidence, text, time)
        const found = whyError(text, this.evidence, {
            reach: (ip, port, code) => this.whyReach(ip, port, code),
            mute: () => this.mute(),
            unreadable: isJson => this.unreadable(isJson),
            open: () => this.own.open(),
        })
        if (found === undefined) return undefined
        const { why, about, peer } = found
        const connection = about && this.own.of(about)
        const key = connection === undefined ? about && keyOf(about) : this.own.keyFor(connection)
        // each wrong call of a program is another one
        this.add(key ?? (why.cause === "misused" ? why.sentence : why.cause), why, about, peer)
        return why
    }

    /** Explains why a host does not answer a ping. */
    noReply(ip: string, time: number): void {
        this.now = time
        const tuple = { remoteIp: ip, remotePort: 0, localPort: 0 }
        const why = whyNotReached(this.evidence, tuple, 0) ?? whyNoReply(this.evidence, ip)
        if (why !== undefined) this.add(`ping ${ip}`, why, undefined, ip)
    }

    /** Returns the answer to the console's `why`, or `why ID`. */
    answer(id: string, now: number): { lines: string[]; status: number } {
        if (id === "") {
            const all = this.why(now)
            return {
                lines: all.length === 0 ? ["nothing has failed so far"] : all.flatMap(diagnosisLines),
                status: 0,
            }
        }
        const why = /^\d{1,5}$/.test(id) ? this.whyId(Number(id), now) : undefined
        if (why === undefined) return { lines: [`why: no connection "${id}": see connections`], status: 1 }
        return { lines: diagnosisLines(why), status: 0 }
    }

    /** Explains what has not failed yet, but does not move on at `now` (ms): for the end of a run. */
    finish(now: number): void {
        this.tick(now)
        for (const connection of this.connections.list) {
            const isMoving = connection.reset === undefined && now * 1e6 - connection.lastTime < PATIENCE
            if (!isMoving) this.explain(connection)
        }
        this.service(whyNoAddress(this.evidence))
        this.explainNeighbours()
        const { cableOut } = this.evidence
        if (cableOut !== undefined) this.service(withoutCable(this.self().name, cableOut, now))
    }

    /** Returns the failures that were explained, and those that show now, the latest last. */
    why(now: number): readonly Diagnosis[] {
        this.finish(now)
        const replaced = this.all.flatMap(({ replaces }) => replaces ?? [])
        return this.all.filter(one => !replaced.includes(replacedBy(one))).slice(-10)
    }

    /** Returns why the connection with a number of the device failed, or what is known of it; undefined if it is not known. */
    whyId(id: number, now: number): Diagnosis | undefined {
        this.now = now
        const tuple = this.own.numbered(id)
        if (tuple === undefined) return undefined
        const known = this.all
            .filter(({ about }) => about !== undefined && keyOf(about) === keyOf(tuple))
            .at(-1)
        const connection = this.own.of(tuple)
        return (
            (connection && whyConnection(connection, now * 1e6, this.evidence)) ??
            known ??
            (connection === undefined
                ? whyNotReached(this.evidence, tuple, tuple.opened)
                : healthy(connection, tuple, this.evidence))
        )
    }

    /** Returns what came of the run up to now, in one line. */
    result(): string {
        const failures = this.all
            .filter(one => !this.hasRecovered(one))
            .map(({ about, peer: host, ...why }) => {
                const connection = about && this.own.of(about)
                const isOwn = connection === undefined || connection.client === this.own.ownEnd(connection)
                const peer = about === undefined ? host : `${about.remoteIp}:${about.remotePort}`
                return { why, peer, connection, isOwn }
            })
        return resultOf(failures, this.connections.list, this.evidence.counts)
    }

    /** Returns true for a failure of a connection that has gone on after it. */
    private hasRecovered({ about, cause, time }: Explained): boolean {
        if (about === undefined || !PASSING.includes(cause)) return false
        const key = keyOf(about)
        return this.all.some(
            later =>
                later.cause === "recovered" &&
                later.time >= time &&
                later.about !== undefined &&
                keyOf(later.about) === key
        )
    }

    /** Notes a drop of a host's stack; explains the handshake that full tables prevent. */
    private dropped(ip: string, reason: string): void {
        this.evidence.dropped(ip, reason, this.now)
        if (reason !== "connections-full" && reason !== "backlog-full") return
        const latest = this.connections.list
            .filter(({ addresses, client }) => addresses[other(client)] === ip)
            .sort((a, b) => a.lastTime - b.lastTime)
            .at(-1)
        const why = latest && whyDropped(latest, this.now * 1e6, this.evidence)
        if (latest !== undefined && why !== undefined)
            this.add(this.own.keyFor(latest), why, this.own.tupleOf(latest))
    }

    /** Sets the time, and explains the resets that no event has followed. */
    tick(now: number): void {
        this.now = now
        const [first] = this.resets
        if (first === undefined || now - first.time < EVENT_WITHIN) return
        const due = this.resets
        this.resets = []
        // the SYN is sent again once the peer's older connection is gone
        for (const { connection } of due) if (!isOfOlder(connection)) this.explain(connection)
    }

    private segment({ connection, from, marks, segment }: Seen): void {
        const { bits } = segment
        this.noteOpened(connection, segment.time)
        this.noteRecovery(connection)
        if (segment.length > 0) this.exchanged(connection, from)
        if (bits & Bit.Rst) this.resets.push({ connection, time: this.now })
        else if (bits & Bit.Fin) this.explain(connection, ["closed-at-once", "tls", "cut-short", "no-answer"])
        if (
            (bits & Bit.Rst) === 0 &&
            marks & (Mark.Retransmission | Mark.ZeroWindow | Mark.ZeroWindowProbe | Mark.KeepAlive)
        ) {
            const isStuck = connection.ends.some(
                ({ unansweredRetransmissions, unansweredKeepAlives, shutSince }) =>
                    unansweredRetransmissions >= RETRANSMISSIONS ||
                    unansweredKeepAlives >= RETRANSMISSIONS ||
                    (shutSince !== undefined && segment.time - shutSince >= SHUT)
            )
            // after a failure the first segment that arrives is answered first
            const last = this.lastAbout(connection)
            const isTried = PASSING.includes(last?.cause ?? "") && arrivesBothWays(connection, this.evidence)
            const isOpening =
                (bits & (Bit.Syn | Bit.Ack)) === Bit.Syn && connection.ends[from].syns > RETRANSMISSIONS
            if ((isStuck || isOpening) && !isTried) this.explain(connection)
        }
    }

    /** Returns what was said last about a connection; undefined if nothing was. */
    private lastAbout(connection: Connection): Explained | undefined {
        if (this.all.length === 0) return undefined
        const tuple = keyOf(this.own.tupleOf(connection))
        return this.all.filter(({ about }) => about !== undefined && keyOf(about) === tuple).at(-1)
    }

    /** Explains what an end's data shows: a refusal, or the answer to a request that seemed to have none. */
    private exchanged(connection: Connection, from: 0 | 1): void {
        this.explain(connection, ["service-refused", "foreign-protocol", "redirected"])
        if (from === connection.client) {
            if (waitingFor(connection, this.evidence) === undefined) return
            this.later(UNANSWERED / 1e6 + 10, now => {
                this.tick(now)
                this.explain(connection, ["no-answer"])
            })
            return
        }
        this.watchAnswer(connection)
        const last = this.lastAbout(connection)
        if (last?.cause !== "no-answer") return
        const why = answeredAfterAll(connection, this.now)
        this.add(this.own.keyFor(connection), { ...why, replaces: replacedBy(last) }, last.about)
    }

    /** Explains an answer that stops before its end, once nothing has come for a time. */
    private watchAnswer(connection: Connection): void {
        if (this.watched.has(connection) || requestIn(connection, this.evidence) === undefined) return
        this.watched.add(connection)
        // a little later, since times are rounded
        this.later(UNANSWERED / 1e6 + 10, now => {
            this.watched.delete(connection)
            this.tick(now)
            this.explain(connection, ["cut-short"])
            const isIdle = now * 1e6 - connection.lastTime >= UNANSWERED
            if (!isIdle && connection.closer === undefined && connection.reset === undefined)
                this.watchAnswer(connection)
        })
    }

    /** Corrects what was said of a connection that was answered after all: it has opened, or the device had given it up. */
    private noteOpened(connection: Connection, time: number): void {
        const { handshake, ends, client } = connection
        const { synAck, ack, firstSyn } = handshake
        if (synAck === undefined || firstSyn === undefined) return
        const isTooLate = ack === undefined && (ends[client].lastBits & Bit.Rst) !== 0
        // only a segment that opens the connection, or ends the attempt, changes what was reported
        if (ack !== time && !isTooLate) return
        const key = this.own.keyFor(connection)
        const opened = ack ?? synAck
        const failed = this.all.filter(
            ({ about, cause, time }) =>
                about !== undefined &&
                BEFORE_OPEN.includes(cause) &&
                time * 1e6 < opened &&
                keyOf(about) === keyOf(this.own.tupleOf(connection))
        )
        const last = failed.at(-1)
        if (last === undefined) return
        const why = openedLate(connection, isTooLate)
        this.add(key, { ...why, replaces: replacedBy(last) }, last.about)
    }

    /** Corrects what was said of a connection that goes on: all that was sent is acknowledged, and no window is shut. */
    private noteRecovery(connection: Connection): void {
        const { handshake, reset } = connection
        const last = this.lastAbout(connection)
        if (last === undefined || handshake.ack === undefined || reset !== undefined) return
        if (!PASSING.includes(last.cause) || last.time * 1e6 < handshake.ack) return
        if (!goesOn(connection, this.evidence)) return
        const why = recovered(connection, this.now)
        this.add(
            `${this.own.keyFor(connection)} ${last.time}`,
            { ...why, replaces: replacedBy(last) },
            last.about
        )
        // what fails again is explained again
        this.done.delete(`${this.own.keyFor(connection)} ${last.cause}`)
    }

    /** Explains a connection of which segments do not arrive, one after the other. */
    private lostSegment({ source, sourcePort, destination, destinationPort }: TcpView): void {
        const connection = this.connections.list
            .filter(({ addresses, ports }) =>
                ([0, 1] as const).some(
                    end =>
                        addresses[end] === source &&
                        ports[end] === sourcePort &&
                        addresses[other(end)] === destination &&
                        ports[other(end)] === destinationPort
                )
            )
            .at(-1)
        if (connection === undefined) {
            const lost = lostSyns(this.evidence, { source, sourcePort, destination, destinationPort })
            if (lost !== undefined)
                this.add(
                    `syn ${source} ${destinationPort}`,
                    lost,
                    undefined,
                    `port ${destinationPort} of this device`
                )
            return
        }
        const since = connection.lastTime / 1e6
        const { segments } = this.evidence
        const some = segments.filter(one => one.time > since && one.lost !== undefined)
        const sent = segmentsBetween(this.evidence, { source, sourcePort, destination, destinationPort })
        // an open of the device has an end, at which all its SYNs are counted
        const isOpening =
            connection.handshake.synAck === undefined && connection.client === this.own.ownEnd(connection)
        const areLost =
            !isOpening &&
            sent.length >= RETRANSMISSIONS &&
            sent.slice(-RETRANSMISSIONS).every(({ lost }) => lost !== undefined)
        if (some.length >= RETRANSMISSIONS || areLost) this.explain(connection)
    }

    private failed(tuple: Tuple, error: string): Diagnosis {
        if (error === "ECONNABORTED") return this.aborted(tuple)
        const connection = this.own.of(tuple)
        if (connection !== undefined) this.final.add(connection)
        const why = this.whyFailed(connection, tuple, error, this.own.openedAt(tuple))
        this.add(connection === undefined ? keyOf(tuple) : this.own.keyFor(connection), why, tuple)
        return why
    }

    /** Returns why a connection failed; `opened` is when the device opened it, ms. */
    private whyFailed(
        connection: Connection | undefined,
        tuple: Tuple,
        error: string,
        opened: number
    ): Diagnosis {
        return (
            (connection && whyConnection(connection, this.now * 1e6, this.evidence)) ??
            (connection && whyDropped(connection, this.now * 1e6, this.evidence)) ??
            whyNotReached(this.evidence, tuple, opened) ??
            general(connection, tuple, error, this.evidence)
        )
    }

    /** Notes that the device's program aborted a connection, which is no failure to report. */
    private aborted(tuple: Tuple): Diagnosis {
        const name = `${tuple.remoteIp}:${tuple.remotePort}`
        const isExplained = this.all.some(({ about }) => about !== undefined && keyOf(about) === keyOf(tuple))
        const why = diagnosis(
            "aborted",
            `The program of ${this.self().name} aborted the connection with ${name}.`
        )
        if (!isExplained) this.all.push({ ...why, time: this.now, about: tuple, id: this.own.idOf(tuple) })
        return why
    }

    /** Explains that hosts do not answer ARP for which no connection waits, such as those of datagrams. */
    private explainNeighbours(): void {
        const { ip } = this.self()
        for (const server of targetsOf(this.evidence, ip)) {
            if (this.all.some(({ sentence }) => sentence.includes(server))) continue
            const asked = askedFor(this.evidence, ip, server, 0)
            if (asked === undefined || asked.answered || asked.count < ARP_TRIES) continue
            const attempt = { client: ip, server, name: server, asked: "", since: asked.first }
            const why = withoutNeighbour(this.evidence, attempt)
            if (why !== undefined) this.add(`arp ${server}`, why, undefined, server)
        }
    }

    /** Explains a connection, once for each cause; with `only`, if the cause is one of them. */
    private explain(connection: Connection, only?: readonly string[]): void {
        if (this.final.has(connection) || this.own.isStray(connection)) return
        const why = whyConnection(connection, this.now * 1e6, this.evidence)
        if (why === undefined || (only !== undefined && !only.includes(why.cause))) return
        if (why.cause === "port-closed" && this.isScan(connection)) return
        // a reset that the device's own program asked for is no failure to report
        if (connection.resetBy?.end === this.own.ownEnd(connection) && WISHED.includes(why.cause)) return
        this.add(this.own.keyFor(connection), why, this.own.tupleOf(connection))
    }

    /** Returns true for a refusal of the device that is one of many to a host, which is explained once. */
    private isScan(connection: Connection): boolean {
        const own = this.own.ownEnd(connection)
        if (connection.resetBy?.end !== own) return false
        const ip = connection.addresses[other(own)]
        const isRefused = (one: Connection) =>
            one.addresses.includes(ip) && one.resetBy?.cause === "port-closed" && one.resetBy.end === own
        const refused = this.connections.list.filter(isRefused)
        const ports = new Set(refused.map(one => one.ports[own]))
        if (ports.size < SCAN) return false
        this.add(`scan ${ip}`, scanned(this.self().name, ip, [...ports]), undefined, ip)
        return true
    }

    private service(why: Diagnosis | undefined): void {
        if (why !== undefined) this.add(why.cause, why, undefined)
    }

    private add(key: string, why: Diagnosis, about: Tuple | undefined, peer?: string): void {
        // one cable explains all
        const isOut = why.cause === "cable-out" && why.replaces === undefined
        const whole = isOut ? `cable ${this.evidence.cableOut}` : `${key} ${why.cause}`
        const isRepeated = this.all.some(
            ({ sentence, time }) => sentence === why.sentence && this.now - time < REPEATED
        )
        if (this.done.has(whole) || isRepeated) return
        this.done.add(whole)
        const explained = { ...why, time: this.now, about, id: about && this.own.idOf(about), peer }
        this.all.push(explained)
        if (this.all.length > MOST_EXPLAINED) this.all.shift()
        this.report(explained)
    }

    private whyReach(ip: string, port: number, code: string): { why: Diagnosis; about: Tuple } {
        const tuple = this.own.openedTo(ip, port)
        const connection = tuple === undefined ? this.own.to(ip, port) : this.own.of(tuple)
        const about = tuple ??
            (connection && this.own.tupleOf(connection)) ?? { remoteIp: ip, remotePort: port, localPort: 0 }
        const datagrams =
            connection === undefined && tuple === undefined ? whyNoDatagram(this.evidence, ip) : undefined
        return { why: datagrams ?? this.whyFailed(connection, about, code, tuple?.opened ?? 0), about }
    }

    /** Returns why the last connection that the device closed had no answer. */
    private mute(): { why: Diagnosis; about: Tuple } | undefined {
        const connection = this.connections.list.filter(({ closer }) => closer !== undefined).at(-1)
        const why = connection && mute(connection, this.evidence)
        return connection && why && { why, about: this.own.tupleOf(connection) }
    }

    /** Returns why the program cannot read the answer to its last request, as JSON with `isJson`. */
    private unreadable(isJson: boolean): { why: Diagnosis; about: Tuple } | undefined {
        const connection = this.connections.list
            .filter(one => one.client === this.own.ownEnd(one) && requestIn(one, this.evidence) !== undefined)
            .at(-1)
        const why =
            connection &&
            ((isJson ? notJson(connection, this.now * 1e6, this.evidence) : undefined) ??
                whyConnection(connection, this.now * 1e6, this.evidence))
        return connection && why && { why, about: this.own.tupleOf(connection) }
    }
}
