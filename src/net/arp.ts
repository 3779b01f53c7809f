// The neighbours' Ethernet addresses: a small table, filled by ARP (RFC 826).

import { Counter } from "../base/counters"
import { PASSIVE_OPENS, UDP } from "../features"
import { mayReply } from "../tcp/reply"
import { count, drop } from "../tcp/report"
import { noteTimer } from "../tcp/state"
import { Arp, ArpOperation, arpOperation, arpRequest, writeArp } from "../wire/arp"
import { Eth, EtherType, isGroupAddress, writeEthernet } from "../wire/ethernet"
import { Neighbour, NeighbourState } from "./neighbour-record"
import { isBroadcast, isLocal, type Stack } from "./stack"

/** RFC 1122 section 2.3.2.1 (MUST): at most one request per second for an address. After three without a reply ARP gives up. */
const enum ArpRequest {
    Interval = 1000,
    Tries = 3,
    /** Requests to a known neighbour whose IP address a packet claimed for another Ethernet address. */
    Doubts = 2,
}

/** RFC 1122 section 2.3.2.1 (MUST): a record is dropped after this many milliseconds, whether it is used or not. */
const enum ArpAge {
    Most = 300000,
}

/** Returns the record of `ip`, -1 if not found. */
export function findNeighbour(s: Stack, ip: number): number {
    const neighbours = s.neighbours
    for (let n = 0; n < neighbours.length; n += Neighbour.Size) {
        if (neighbours.getAt(n + Neighbour.Ip, "i32") === ip) {
            if (neighbours.getAt(n + Neighbour.State, "u8") !== NeighbourState.Free) return n
        }
    }
    return -1
}

/** Returns the next hop for packets to `ip`: `ip` itself on this network, else the router; 0 = none. */
export function nextHop(s: Stack, ip: number): number {
    return isLocal(s, ip) ? ip : s.gateway
}

/**
 * Returns the record of the next hop towards `ip` if its Ethernet address is known. Otherwise schedules an ARP request and
 * returns -1: the sender keeps its packet and tries again when the reply arrives. `stranger` says that only a SYN suggests that
 * such a host exists: anyone can forge SYNs, and they must not push the neighbours of connections out of the table.
 */
export function resolve(s: Stack, ip: number, now: number, stranger = false): number {
    const hop = nextHop(s, ip)
    if (hop === 0) return -1
    let n = findNeighbour(s, hop)
    if (n >= 0) {
        if (s.neighbours.getAt(n + Neighbour.State, "u8") < NeighbourState.Known) return -1
        s.neighbours.setAt(n + Neighbour.Time, "i32", now)
        return n
    }
    if (UDP ? stranger : PASSIVE_OPENS ? stranger : false) {
        if (!mayAskForStranger(s, now)) return -1
    }
    n = takeNeighbour(s, hop, now, true)
    if (n < 0) return -1
    s.neighbours.setAt(n + Neighbour.State, "u8", NeighbourState.Asking)
    s.asking = true
    return -1
}

/**
 * Returns true when a host that may not exist may take a record: less than half of the records are being resolved, and a record
 * is free or idle.
 */
function mayAskForStranger(s: Stack, now: number): boolean {
    const neighbours = s.neighbours
    let asked = 0
    let spare = false
    for (let n = 0; n < neighbours.length; n += Neighbour.Size) {
        const state = neighbours.getAt(n + Neighbour.State, "u8")
        if (state === NeighbourState.Asking || state === NeighbourState.Waiting) asked += 2
        else if (state === NeighbourState.Free) spare = true
        else if (((now - neighbours.getAt(n + Neighbour.Time, "i32")) | 0) >= ArpRequest.Interval)
            spare = true
    }
    if (spare && (asked === 0 || asked < s.config.neighbours)) return true
    count(s, Counter.NeighboursFull)
    return false
}

/**
 * Allocates a record for `ip` and returns it: a free one or, if `need` is true, the known one that was used longest ago. Returns
 * -1 if neither exists.
 */
function takeNeighbour(s: Stack, ip: number, now: number, need: boolean): number {
    const neighbours = s.neighbours
    let found = -1
    let age = -1
    for (let n = 0; n < neighbours.length; n += Neighbour.Size) {
        const state = neighbours.getAt(n + Neighbour.State, "u8")
        if (state === NeighbourState.Free) {
            found = n
            break
        }
        const unused = (now - neighbours.getAt(n + Neighbour.Time, "i32")) | 0
        // an age that has wrapped is negative: such a record still serves if no other does
        if (need && state >= NeighbourState.Known && (found < 0 || unused > age)) {
            found = n
            age = unused
        }
    }
    if (found < 0) {
        count(s, Counter.NeighboursFull)
        return -1
    }
    neighbours.fillAt(found, Neighbour.Size, 0)
    neighbours.setAt(found + Neighbour.Ip, "i32", ip)
    neighbours.setAt(found + Neighbour.Time, "i32", now)
    return found
}

/** Frees the record of the next hop towards `ip`, which does not answer: its Ethernet address may have changed. */
export function forgetHop(s: Stack, ip: number): void {
    const n = findNeighbour(s, nextHop(s, ip))
    if (n >= 0 && s.neighbours.getAt(n + Neighbour.State, "u8") >= NeighbourState.Known) {
        s.neighbours.setAt(n + Neighbour.State, "u8", NeighbourState.Free)
    }
}

/** Frees the records of neighbours that have sent no ARP packet for too long. */
export function forgetOld(s: Stack, now: number): void {
    const neighbours = s.neighbours
    for (let n = 0; n < neighbours.length; n += Neighbour.Size) {
        if (neighbours.getAt(n + Neighbour.State, "u8") !== NeighbourState.Known) continue
        const age = (now - neighbours.getAt(n + Neighbour.Heard, "i32")) | 0
        // an age that has wrapped is negative
        if (age >= ArpAge.Most || age < 0) neighbours.setAt(n + Neighbour.State, "u8", NeighbourState.Free)
    }
}

/** Handles the ARP packet in the receive frame of `length` bytes: answers it, and learns its sender's address. */
export function arpInput(s: Stack, length: number, now: number): void {
    const rx = s.rx
    const at: number = Eth.Size
    const operation = arpOperation(rx, at, length - at)
    if (operation !== ArpOperation.Request) {
        if (operation !== ArpOperation.Reply) {
            drop(s, Counter.ArpMalformed, now)
            return
        }
    }
    if (UDP) {
        if (s.endpoints) {
            if (!isGroupAddress(rx, at + Arp.SenderMac)) s.endpoints.arp(at, now)
        }
    }
    const ip = rx.getAt(at + Arp.SenderIp, "i32")
    const targetIp = rx.getAt(at + Arp.TargetIp, "i32")
    // RFC 5227 section 2.1.1: a host that asks whether an address is free has no address yet, but gets an answer
    const probe = ip === 0
    // a sender with a group address, our own address, or an address that no host can have would only poison the table
    const sane =
        !isGroupAddress(rx, at + Arp.SenderMac) &&
        s.ip !== 0 &&
        (probe || (ip !== s.ip && (isLocal(s, ip) || ip === s.gateway) && !isBroadcast(s, ip)))
    if (!sane) {
        drop(s, Counter.ArpIgnored, now)
        return
    }
    let n = probe ? -1 : findNeighbour(s, ip)
    // RFC 826: a request for our address adds its sender to the table; a reply that we did not ask for does not. The sender of a
    // request gets only a free record: a host that could displace others would make us ask for them again, and could answer in
    // their place
    if (n < 0) {
        if (!probe) {
            if (targetIp === s.ip) {
                if (operation === ArpOperation.Request)
                    n = takeNeighbour(s, ip, (now - ArpRequest.Interval) | 0, false)
            }
        }
    }
    if (n >= 0) learn(s, n, at + Arp.SenderMac, now)
    if (targetIp !== s.ip) {
        if (n < 0) drop(s, Counter.ArpIgnored, now)
        return
    }
    if (operation === ArpOperation.Reply) {
        if (n < 0) drop(s, Counter.ArpIgnored, now)
        return
    }
    if (!mayReply(s)) return
    writeEthernet(s.tx, rx, at + Arp.SenderMac, s.mac, EtherType.Arp)
    writeArp(s.tx, Eth.Size, ArpOperation.Reply, s.mac, s.ip, rx, at + Arp.SenderMac, ip)
    s.frameLength = Eth.Size + Arp.Size
}

/**
 * Stores the Ethernet address at `at` for neighbour `n`. If another address is known, first asks the known one whether it is
 * still in use (RFC 1122 section 2.3.2.1 (2), in the spirit of RFC 5227 section 2.4): any host can claim another's address.
 */
function learn(s: Stack, n: number, at: number, now: number): void {
    const rx = s.rx
    const neighbours = s.neighbours
    const state = neighbours.getAt(n + Neighbour.State, "u8")
    if (state >= NeighbourState.Known) {
        if (
            neighbours.getAt(n + Neighbour.Mac, "i32") !== rx.getAt(at, "i32") ||
            neighbours.getAt(n + Neighbour.Mac + 4, "u16") !== rx.getAt(at + 4, "u16")
        ) {
            if (state !== NeighbourState.Known) return
            // one request per second, however often an address is claimed
            const wait = (neighbours.getAt(n + Neighbour.Heard, "i32") + ArpRequest.Interval - now) | 0
            const next = (now + Math.max(wait, 0)) | 0
            neighbours.setAt(n + Neighbour.State, "u8", NeighbourState.Doubting)
            neighbours.setAt(n + Neighbour.Heard, "i32", next)
            noteTimer(s, next)
            return
        }
    } else {
        neighbours.blitAt(n + Neighbour.Mac, rx, at, 6)
        if (state !== NeighbourState.Free) neighbours.setAt(n + Neighbour.Time, "i32", now)
        // connections may have waited for this address
        s.dirty = true
        s.next = s.conns[0]
    }
    neighbours.setAt(n + Neighbour.State, "u8", NeighbourState.Known)
    neighbours.setAt(n + Neighbour.Tries, "u8", 0)
    neighbours.setAt(n + Neighbour.Heard, "i32", now)
}

/** Puts the next ARP request that is due into the transmit frame and returns its length, 0 when nothing is due. */
export function arpOut(s: Stack, now: number): number {
    const neighbours = s.neighbours
    for (let n = 0; n < neighbours.length; n += Neighbour.Size) {
        const state = neighbours.getAt(n + Neighbour.State, "u8")
        if (state !== NeighbourState.Asking && state !== NeighbourState.Doubted) continue
        // Asking becomes Waiting, Doubted becomes Doubting
        neighbours.setAt(n + Neighbour.State, "u8", state + 1)
        neighbours.setAt(n + Neighbour.Tries, "u8", neighbours.getAt(n + Neighbour.Tries, "u8") + 1)
        const next = (now + ArpRequest.Interval) | 0
        neighbours.setAt(n + timeOf(state), "i32", next)
        noteTimer(s, next)
        const length = arpRequest(s.tx, s.mac, s.ip, neighbours.getAt(n + Neighbour.Ip, "i32"))
        if (state === NeighbourState.Doubted) s.tx.blitAt(Eth.Destination, neighbours, n + Neighbour.Mac, 6)
        return length
    }
    s.asking = false
    return 0
}

/** Returns the field that holds the time of the next request. */
function timeOf(state: NeighbourState): Neighbour {
    return state < NeighbourState.Known ? Neighbour.Time : Neighbour.Heard
}

/** Repeats requests that are due. After the last request for an address, frees its record and calls `failed` with the address. */
export function runNeighbourTimers(
    s: Stack,
    now: number,
    failed: (s: Stack, ip: number, now: number) => void
): void {
    const neighbours = s.neighbours
    forgetOld(s, now)
    for (let n = 0; n < neighbours.length; n += Neighbour.Size) {
        const state = neighbours.getAt(n + Neighbour.State, "u8")
        const doubting = state === NeighbourState.Doubting
        if (state !== NeighbourState.Waiting && !doubting) continue
        const deadline = neighbours.getAt(n + timeOf(state), "i32")
        const tries = neighbours.getAt(n + Neighbour.Tries, "u8")
        if (((deadline - now) | 0) > 0) {
            noteTimer(s, deadline)
        } else if (tries < (doubting ? ArpRequest.Doubts : ArpRequest.Tries)) {
            // Waiting becomes Asking, Doubting becomes Doubted
            neighbours.setAt(n + Neighbour.State, "u8", state - 1)
            s.asking = true
        } else if (doubting) {
            // the known address does not answer: the next request is a broadcast
            neighbours.setAt(n + Neighbour.State, "u8", NeighbourState.Asking)
            neighbours.setAt(n + Neighbour.Tries, "u8", 0)
            s.asking = true
        } else {
            neighbours.setAt(n + Neighbour.State, "u8", NeighbourState.Free)
            failed(s, neighbours.getAt(n + Neighbour.Ip, "i32"), now)
        }
    }
}
