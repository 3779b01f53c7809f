// Who waits for which connection, and who wants to hear of it: a look at every open socket whenever something may have
// changed wakes those, and only those, for whom something has.

import * as ds from "@devicescript/core"
import type { Stack } from "../net/stack"
import { errorOf } from "../tcp/calls"
import { State, Tcb, TcpError } from "../tcp/records"
import { resumed, type Worker } from "./driver-loop"
import type { NetError } from "./errors"

/** What a fiber waits for. */
export const enum Want {
    /** More has come than was there, or nothing more will. */
    More = 1,
    /** The send ring has room for a full segment, or half of it is free; or nothing can be sent any more. */
    Room = 2,
    /** The handshake is over, well or not. */
    Opened = 4,
    /** Another fiber's send is done. */
    Turn = 8,
    Anything = 15,
}

/** An entry of the list of those who wait: fiber, socket, Want. */
const enum Entry {
    Fiber = 0,
    Socket = 1,
    Want = 2,
    Size = 3,
}

/** What a fiber can wait for: a socket. */
export interface Waitable {
    /** Its connection's id, 0 once the program has closed it, and the offset of that connection's record. */
    readonly id: number
    readonly at: number
    /** RCV.NXT at the last look. */
    seen: number
    /** What fibers wait for: bits of Want. */
    waiting: number
    /** Its end was reported. */
    told: boolean
    readonly onmessage: ds.Emitter<void>
    readonly onclose: ds.Emitter<void>
    readonly onerror: ds.Emitter<NetError>
    failure(error: TcpError): NetError
}

/** All sockets of a stack that a program holds. */
export class Sockets implements Worker {
    private readonly open: Waitable[] = []
    /** One list for all, as few wait at a time: a field in every socket would cost more. */
    private readonly waits: unknown[] = []

    constructor(private readonly stack: Stack) {}

    add(socket: Waitable): void {
        this.open.push(socket)
    }

    /** The program is done with a socket: whoever waits for it is woken. */
    remove(socket: Waitable): void {
        const at = this.open.indexOf(socket)
        if (at >= 0) this.open.insert(at, -1)
        this.wake(socket, Want.Anything)
    }

    work(_now: number): void {
        // flat on purpose, done for every segment that comes in
        const conns = this.stack.conns
        const half = this.stack.sendSize >> 1
        for (const socket of this.open) {
            const c = socket.at
            let state = State.Closed
            let news = false
            if (conns.getAt(c + Tcb.Id, "u16") === socket.id) {
                state = conns.getAt(c + Tcb.State, "u8")
                const next = conns.getAt(c + Tcb.RcvNxt, "i32")
                news = next !== socket.seen
                socket.seen = next
                if (news && conns.getAt(c + Tcb.ReceiveLength, "u16") > 0) socket.onmessage.emit(undefined)
            }
            // CLOSE-WAIT and all that follow have the peer's FIN
            const over = state === State.Closed || state >= State.CloseWait
            if (over && !socket.told) this.tell(socket)
            if (socket.waiting === 0) continue
            let ready = news || over ? Want.More : 0
            if (state !== State.SynSent && state !== State.SynReceived) {
                ready |= Want.Opened
                const canSend = state === State.Established || state === State.CloseWait
                const room = this.stack.sendSize - conns.getAt(c + Tcb.SendLength, "u16")
                if (!canSend || room >= half || room >= conns.getAt(c + Tcb.Mss, "u16")) ready |= Want.Room
            }
            if (socket.waiting & ready) this.wake(socket, ready)
        }
    }

    /** Tells once that a connection has come to its end. */
    private tell(socket: Waitable): void {
        socket.told = true
        const error = errorOf(this.stack, socket.id)
        if (error === TcpError.None) socket.onclose.emit(undefined)
        else socket.onerror.emit(socket.failure(error))
    }

    /** Waits in the running fiber; false when `timeout` ms are over (never, when it is undefined). */
    async wait(socket: Waitable, want: Want, timeout?: number): Promise<boolean> {
        const fiber = ds.Fiber.self()
        this.waits.push(fiber, socket, want)
        socket.waiting |= want
        if (await ds.suspend<boolean>(timeout)) return true
        this.waits.insert(this.waits.indexOf(fiber), -Entry.Size)
        return false
    }

    /** Gives the turn to send to the fiber that has waited longest for it. False when none does. */
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

    /** Wakes those who wait for one of these. */
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
