// Wakes the fibers that wait on a socket. After each frame every open socket is checked once, and only fibers whose condition now holds
// are resumed.

import * as ds from "@devicescript/core"
import type { NetError } from "../base/errors"
import type { Stack } from "../net/stack"
import { errorOf } from "../tcp/calls"
import { type Connection, Touched } from "../tcp/context"
import { State, Tcb, TcpError } from "../tcp/records"
import { resumed, type Worker } from "./driver-loop"

/** What a fiber waits for on a socket. */
export const enum Want {
    /** More data has arrived, or no more will arrive. */
    More = 1,
    /** The send ring has room for a full segment, or half of it is free; or no more data can be sent. */
    Room = 2,
    /** The handshake has ended, in success or failure. */
    Opened = 4,
    /** Another fiber's send is done. */
    Turn = 8,
    Anything = 15,
}

/** Offsets in an entry of the list of waiting fibers: the fiber, its socket, its Want. */
const enum Entry {
    Fiber = 0,
    Socket = 1,
    Want = 2,
    Size = 3,
}

/** A socket, as seen by the fibers that wait on it. */
export interface Waitable {
    /** The connection's id, 0 once the program has closed it, and its record. */
    readonly id: number
    readonly at: Connection
    /** RCV.NXT at the last check. */
    seen: number
    /** What fibers wait for: bits of Want. */
    waiting: number
    /** True when the connection's end was reported. */
    told: boolean
    readonly onmessage: ds.Emitter<void>
    readonly onclose: ds.Emitter<void>
    readonly onerror: ds.Emitter<NetError>
    failure(error: TcpError): NetError
}

/** All open sockets of a program, and the fibers that wait on them. */
export class Sockets implements Worker {
    /** In the order of the connections' records. */
    private readonly open: (Waitable | undefined)[] = []
    /** One list for all sockets: few fibers wait at a time, and a field in every socket would take more memory. */
    private readonly waits: unknown[] = []

    constructor(private readonly stack: Stack) {}

    add(socket: Waitable): void {
        const i = this.stack.conns.indexOf(socket.at)
        // the record was another socket's, in TIME-WAIT: that one is told of its end
        if (this.open[i]) this.work(0)
        this.open[i] = socket
        this.stack.touched = Touched.Several
    }

    /** Removes a socket that the program has closed, and wakes all fibers that wait on it. */
    remove(socket: Waitable): void {
        const i = this.open.indexOf(socket)
        if (i >= 0) this.open[i] = undefined
        this.wake(socket, Want.Anything)
    }

    work(_now: number): void {
        // no helper functions here on purpose: this runs for every segment received
        const { stack, open } = this
        const { touched } = stack
        stack.touched = Touched.None
        if (touched === Touched.None) return
        let i = 0
        let end = open.length
        if (touched >= 0) {
            i = touched
            end = i + 1
        }
        for (; i < end; i++) {
            const socket = open[i]
            if (!socket) continue
            const c = socket.at
            let state = State.Closed
            let news = false
            if (c.getAt(Tcb.Id, "u16") === socket.id) {
                state = c.getAt(Tcb.State, "u8")
                const next = c.getAt(Tcb.RcvNxt, "i32")
                news = next !== socket.seen
                socket.seen = next
                if (news && c.getAt(Tcb.ReceiveLength, "u16") > 0) socket.onmessage.emit(undefined)
            }
            // from CLOSE-WAIT on the peer has sent its FIN
            const over = state === State.Closed || state >= State.CloseWait
            if (over && !socket.told) this.tell(socket)
            const want = socket.waiting
            if (want === 0) continue
            let ready = news || over ? Want.More : 0
            if (want > Want.More) {
                if (state !== State.SynSent && state !== State.SynReceived) {
                    ready |= Want.Opened
                    const canSend = state === State.Established || state === State.CloseWait
                    const room = stack.sendSize - c.getAt(Tcb.SendLength, "u16")
                    if (!canSend || room >= stack.sendSize >> 1 || room >= c.getAt(Tcb.Mss, "u16"))
                        ready |= Want.Room
                }
            }
            if (want & ready) this.wake(socket, ready)
        }
    }

    /** Reports the end of a connection, once. */
    private tell(socket: Waitable): void {
        socket.told = true
        const error = errorOf(this.stack, socket.id)
        if (error === TcpError.None) socket.onclose.emit(undefined)
        else socket.onerror.emit(socket.failure(error))
    }

    /** Suspends the running fiber, forever if `timeout` is undefined. Returns false when `timeout` milliseconds have passed. */
    async wait(socket: Waitable, want: Want, timeout?: number): Promise<boolean> {
        const fiber = ds.Fiber.self()
        this.waits.push(fiber, socket, want)
        socket.waiting |= want
        if (await ds.suspend<boolean>(timeout)) return true
        this.waits.insert(this.waits.indexOf(fiber), -Entry.Size)
        return false
    }

    /** Hands the turn to send to the fiber that has waited longest for it. Returns false when no fiber waits. */
    handOver(socket: Waitable): boolean {
        const waits = this.waits
        for (let i = 0; i < waits.length; ) {
            if (waits[i + Entry.Socket] === socket && waits[i + Entry.Want] === Want.Turn) {
                const fiber = waits[i + Entry.Fiber] as ds.Fiber
                waits.insert(i, -Entry.Size)
                if (resumed(fiber)) return true
            } else i += Entry.Size
        }
        return false
    }

    /** Wakes the fibers that wait for one of the conditions in `ready`. */
    wake(socket: Waitable, ready: number): void {
        const waits = this.waits
        let waiting = 0
        for (let i = 0; i < waits.length; ) {
            const want = waits[i + Entry.Want] as Want
            if (waits[i + Entry.Socket] !== socket) {
                i += Entry.Size
            } else if ((want & ready) === 0) {
                waiting |= want
                i += Entry.Size
            } else {
                const fiber = waits[i + Entry.Fiber] as ds.Fiber
                waits.insert(i, -Entry.Size)
                resumed(fiber)
            }
        }
        socket.waiting = waiting
    }
}
