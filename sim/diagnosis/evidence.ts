// What was seen on a network: the frames and whether they arrived, the hosts that were heard, drops, the cable. The rules of this
// folder draw their conclusions from it. What it keeps is limited, whatever the network does.

import type { Fate } from "../link/impair"
import { dissect, type TcpView, type View } from "../view/dissect"

/** A frame that a station sent. */
export interface Sighting {
    /** ms */
    readonly time: number
    /** The station's name; "" where it is not known. */
    readonly from: string
    readonly view: View
    /** Why no receiver gets the frame; undefined if one does, or if it is not known. */
    readonly lost: Fate["lost"]
    /** When it arrives at the device, ms; undefined if it does not go there, or if that is not known. */
    readonly arrives: number | undefined
}

export interface SegmentSighting extends Sighting {
    readonly view: TcpView
}

/** A frame that arrived with a wrong checksum, or so that it could not be read. */
interface Damage {
    readonly time: number
    /** The check that failed. */
    readonly check: string
    /** The hosts of the packet, as far as they can be read. */
    readonly source: string
    readonly destination: string
    /** The station that received it. */
    readonly to: string
}

/** A frame that a stack dropped, by the name of its counter. */
interface Drop {
    readonly time: number
    /** The stack's host. */
    readonly ip: string
    readonly reason: string
}

/** What is known of the device whose failures are explained. */
export interface Self {
    /** Its name in sentences, such as `Host X`. */
    readonly name: string
    /** Its name as a station of the network. */
    readonly station: string
    readonly ip: string
    /** The length of its network's prefix, and its router; undefined where they are not known. */
    readonly prefix?: number | undefined
    readonly gateway?: string | undefined
    /** The name servers of its settings; undefined where they are not known. */
    readonly nameServers?: readonly string[] | undefined
    /** Returns true while this computer's own connection, which carries the device's, has no answer; undefined without a router to it. */
    readonly dials?: ((ip: string, port: number) => boolean) | undefined
    /** The most connections that it can have at a time; undefined where it is not known. */
    readonly connections?: number | undefined
}

const MOST_SEGMENTS = 2000
const MOST_OTHERS = 1000
const MOST_NOTED = 200
const MOST_HOSTS = 256
const UNKNOWN_IP = "0.0.0.0"

export class Evidence {
    /** The latest segments, and the latest frames of other protocols. */
    readonly segments: SegmentSighting[] = []
    readonly others: Sighting[] = []
    /** When each Ethernet address was last seen as an IP address's in ARP. */
    private readonly owners = new Map<string, Map<string, number>>()
    /** When a packet of each IP address was last sent. */
    private readonly voices = new Map<string, { time: number; what: string }>()
    /** The IP addresses that two Ethernet addresses have by turns in ARP, with both. */
    readonly shared = new Map<string, readonly [string, string]>()
    readonly damages: Damage[] = []
    /** Frames whose sender has made a checksum wrong, so that no line changed them. */
    readonly wrongAtSender: Omit<Damage, "to">[] = []
    /** The Ethernet addresses that frames came from, and the address that the frame of the last ARP answer for an IP address came from. */
    readonly stations = new Set<string>()
    readonly answeredFrom = new Map<string, string>()
    /** The stations that send ARP with each Ethernet address, at most two. */
    readonly users = new Map<string, readonly string[]>()
    readonly drops: Drop[] = []
    /** The frames that were lost, and those that arrived damaged. */
    readonly counts = { lost: 0, damaged: 0 }
    /** The time since which the device's cable is out; undefined while it is in. */
    cableOut: number | undefined
    /** When the cable was out last, ms; undefined if it never was and is in again. */
    lastOut: { readonly from: number; readonly until: number } | undefined
    /** How often the cable was pulled out. */
    outs = 0
    /** The last thing that happened between the device's chip and its network, in words. */
    note: { time: number; text: string } | undefined
    /** The faults of the device's chip that the simulator has set, and since when, ms. */
    readonly faults = new Map<string, { readonly time: number }>()
    /** What the driver reported last of a chip that does not work, and when, ms. */
    complaint: { time: number; text: string } | undefined
    /** The last line that the device's program or driver printed, and when, ms. */
    said: { time: number; text: string } | undefined
    /** When the device sent its last frame, ms; undefined before any. */
    lastSent: number | undefined
    /** The ARP replies that reached the device's port. */
    readonly replies: { readonly time: number; readonly ip: string }[] = []
    /** The device's Ethernet address, once it has sent a frame, and the IP address that it used last. */
    mac = ""
    address: string | undefined

    /** Creates the evidence about the network of a device; without `self` no device is special, as in a capture. */
    constructor(readonly self?: () => Self) {}

    /** Notes a frame that a station sent, and returns its view; `frame` may be reused after the call. */
    sent(frame: Uint8Array, from: string, time: number, lost: Fate["lost"], arrives?: number): View {
        const view = dissect(frame.slice())
        const sighting: Sighting = { time, from, view, lost, arrives }
        if (lost !== undefined) this.counts.lost++
        if (view.kind === "tcp") keep(this.segments, { ...sighting, view }, MOST_SEGMENTS)
        else this.keepOther(sighting)
        if (view.kind === "malformed") return view
        if (this.stations.size < MOST_HOSTS) this.stations.add(view.sourceMac)
        if (view.kind === "arp" && from !== "") this.noteUser(view.sourceMac, from)
        const check = failedCheck(view)
        if (check !== undefined && "source" in view)
            keep(
                this.wrongAtSender,
                { time, check, source: view.source, destination: view.destination },
                MOST_NOTED
            )
        if (from !== "" && from === this.self?.().station) {
            this.mac = view.sourceMac
            this.lastSent = time
            const address = view.kind === "arp" ? view.senderIp : "source" in view ? view.source : UNKNOWN_IP
            if (address !== UNKNOWN_IP) this.address = address
        }
        if (view.kind === "arp" && view.operation === 2) {
            limit(this.answeredFrom, MOST_HOSTS)
            this.answeredFrom.set(view.senderIp, view.sourceMac)
        }
        if (view.kind === "arp" && view.senderIp !== UNKNOWN_IP) {
            const known = this.owners.get(view.senderIp) ?? new Map<string, number>()
            const latest = [...known.keys()].at(-1)
            // one host after another may have an address; two that take turns have it at the same time
            if (latest !== undefined && latest !== view.senderMac && known.has(view.senderMac)) {
                limit(this.shared, MOST_HOSTS)
                this.shared.set(view.senderIp, [latest, view.senderMac])
            }
            known.delete(view.senderMac)
            limit(known, MOST_HOSTS)
            known.set(view.senderMac, time)
            this.owners.delete(view.senderIp)
            limit(this.owners, MOST_HOSTS)
            this.owners.set(view.senderIp, known)
            if (lost === undefined) this.heard(view.senderIp, time, "ARP")
        }
        if ("source" in view && view.source !== UNKNOWN_IP && lost === undefined)
            this.heard(view.source, time, view.kind === "tcp" ? "TCP" : view.kind.toUpperCase())
        return view
    }

    /** Notes a frame as a station received it, and returns its view. */
    arrived(frame: Uint8Array, to: string, time: number): View {
        const view = dissect(frame)
        if (view.kind === "arp" && view.operation === 2 && to === this.self?.().station)
            keep(this.replies, { time, ip: view.senderIp }, MOST_NOTED)
        const check = failedCheck(view)
        const { source = "", destination = "" } = "source" in view ? view : {}
        if (check !== undefined) this.counts.damaged++
        if (check !== undefined) keep(this.damages, { time, check, source, destination, to }, MOST_NOTED)
        return view
    }

    private noteUser(mac: string, station: string): void {
        const known = this.users.get(mac) ?? []
        if (known.length > 1 || known.includes(station) || this.users.size >= MOST_HOSTS) return
        this.users.set(mac, [...known, station])
    }

    /** Notes a frame other than a segment. Of too many, those that are not the device's are forgotten first. */
    private keepOther(sighting: Sighting): void {
        const { others } = this
        others.push(sighting)
        if (others.length <= MOST_OTHERS * 1.5) return
        const first = others.splice(0, others.length - MOST_OTHERS / 2)
        const own = this.self?.()
        const mine = first.filter(
            ({ from, view }) =>
                from === own?.station ||
                ("destination" in view && view.destination === own?.ip) ||
                (view.kind === "arp" && view.targetIp === own?.ip)
        )
        const kept = own === undefined ? first : mine
        others.unshift(...kept.slice(-MOST_OTHERS / 2))
    }

    /** Notes a drop that a host's stack reports. */
    dropped(ip: string, reason: string, time: number): void {
        keep(this.drops, { time, ip, reason }, MOST_NOTED)
    }

    private heard(ip: string, time: number, what: string): void {
        this.voices.delete(ip)
        limit(this.voices, MOST_HOSTS)
        this.voices.set(ip, { time, what })
    }

    /** Returns the Ethernet addresses that an IP address was seen at in ARP, the latest last. */
    ownersOf(ip: string): string[] {
        return [...(this.owners.get(ip)?.keys() ?? [])]
    }

    /** Returns when an address was last heard from, and how; undefined if never. */
    voiceOf(ip: string): { time: number; what: string } | undefined {
        return this.voices.get(ip)
    }

    /** Returns the addresses other than the device's and `but` that were heard in ARP on this network. */
    neighbours(...but: string[]): string[] {
        const own = this.self?.().ip
        return [...this.owners.keys()].filter(ip => ip !== own && !but.includes(ip)).sort()
    }

    /** Returns the IP address that ARP has reported for an Ethernet address; undefined if ARP has reported none. */
    ipOf(mac: string): string | undefined {
        for (const [ip, macs] of this.owners) if (macs.has(mac)) return ip
        return undefined
    }
}

/** Returns the check that finds a frame to be damaged; undefined if all pass. */
export function failedCheck(view: View): string | undefined {
    if (view.kind === "malformed") return `the length checks (${view.reason})`
    if ("headerChecksumValid" in view && !view.headerChecksumValid) return "the IP header's checksum"
    if ("checksumValid" in view && !view.checksumValid) return `the checksum of ${view.kind.toUpperCase()}`
    return undefined
}

function keep<T>(list: T[], one: T, most: number): void {
    list.push(one)
    // not one by one, because each removal moves the whole list
    if (list.length > most * 1.5) list.splice(0, list.length - most)
}

function limit(map: Map<string, unknown>, most: number): void {
    if (map.size < most) return
    const [oldest] = map.keys()
    if (oldest !== undefined) map.delete(oldest)
}
