// The control protocol: another program drives the device with one command per line, and gets exactly one line for each.
//
//   listen PORT [BACKLOG]          ok H: at most BACKLOG connections wait to be accepted; by default as many as the stack has
//   accept H                       ok H2, or none
//   connect IP PORT [LOCALPORT]    ok H, as soon as the SYN is queued
//   send H N [BYTE]                ok n: queues N octets, or as many as fit: a to z repeating, from a on in each command, or N times
//                                  BYTE (0 to 255, decimal or 0x and two hexadecimal digits)
//   recv H [MAX]                   ok n STATE: drops up to MAX received octets, by default all. STATE afterwards: open while more
//                                  may arrive or is unread, eof after the peer's FIN, else the error that ended it
//   read H MAX                     ok HEX STATE: returns up to MAX received octets (at most 520) in hexadecimal, - for none
//   shut H, close H, abort H       ok
//   state H                        ok ESTABLISHED, for example; CLOSED when the connection no longer exists
//   rcvbuf H N                     ok: at most N octets may wait unread
//   nodelay H 0|1                  ok: 1 turns Nagle's algorithm off, 0 on
//   keepalive H 0|1                ok: 1 turns keep-alive on, 0 off
//   timeout H SECONDS              ok: the connection fails after this long without progress, 0 for the configured time
//   poll H                         ok BITS, the sum of POSIX poll's bits: 1 IN, 4 OUT, 8 ERR, 16 HUP, 8192 RDHUP
//   quit                           ok
// Anything else: err REASON, a POSIX error name if there is one, else words.

import { Buffer } from "@devicescript/core"
import { type Print, wordsOf } from "../inspect/text"
import { Address, decimal, ipv4Of } from "../net/address"
import { abort, accept, close, connect, errorOf, listen, read, shutdown, stateOf, write } from "../tcp/calls"
import { setKeepAlive, setNoDelay, setReceiveLimit, setUserTimeout } from "../tcp/connection-settings"
import { Ready, readiness } from "../tcp/readiness"
import { ConnFlag, errorName, State, stateName, Tcb, TcpError } from "../tcp/records"
import { findConnection, findListener } from "../tcp/tables"
import { Argument, type Device, portOf, wasGiven } from "./commands"

const enum Size {
    /** Octets moved at a time: the alphabet twenty times. */
    Scratch = 520,
    Alphabet = 26,
    /** Longest line, in characters. */
    Line = 100,
    /** Number of connections whose end is remembered after their records were freed. */
    Ends = 16,
}

/** Offsets in the record of a connection's end. */
const enum Ended {
    Id = 0,
    /** The error that ended it, as a positive number (-TcpError). */
    Error = 2,
    Size = 4,
}

/** Returns a device's control protocol as a function for `lines.run` (command-hook.ts). */
export function controlOf(device: Device): (line: string, print: Print) => Promise<number> {
    const control = new Control(device)
    return async (line, print) => {
        const reply = control.run(line)
        await print(reply)
        return reply.startsWith("err") ? 1 : 0
    }
}

/** Interprets the control protocol. A handle is the id of a connection or listener. */
export class Control {
    private readonly scratch = Buffer.alloc(Size.Scratch)
    private readonly ends = Buffer.alloc(Size.Ends * Ended.Size)
    /** Offset in `ends` of the record that is overwritten next. */
    private next = 0

    constructor(private readonly device: Device) {}

    /** Runs one line and returns the reply. */
    run(line: string): string {
        if (line.length > Size.Line) return `err a line has at most ${Size.Line} characters`
        const words = wordsOf(line)
        const name = words.length > 0 ? (words[0] as string) : ""
        const usage = usageOf(name)
        if (usage === "") return "err unknown command"
        const most = wordsOf(usage).length
        const least = usage.indexOf("[") < 0 ? most : most - 1
        if (words.length < least || words.length > most) return `err usage: ${usage}`
        const first = words.length > 1 ? (words[1] as string) : ""
        const second = words.length > 2 ? (words[2] as string) : ""
        const third = words.length > 3 ? (words[3] as string) : ""
        switch (name) {
            case "listen":
                return this.listen(first, second)
            case "connect":
                return this.connect(first, second, third)
            case "quit":
                return "ok"
            default:
                return this.withHandle(name, decimal(first), second, third)
        }
    }

    private withHandle(name: string, id: number, second: string, third: string): string {
        if (!this.isHandle(id)) return "err EBADF"
        const stack = this.device.stack
        switch (name) {
            case "accept":
                return this.accept(id)
            case "send":
                return this.send(id, second, third)
            case "recv":
                return this.recv(id, second)
            case "read":
                return this.octets(id, second)
            case "state":
                return this.state(id)
            case "poll":
                return `ok ${this.ready(id)}`
            case "rcvbuf":
            case "nodelay":
            case "keepalive":
            case "timeout":
                return this.done(id, this.set(name, id, decimal(second)))
            case "shut":
                return this.done(id, shutdown(stack, id, this.device.now()))
            case "close":
                return this.close(id)
            default:
                return this.abort(id)
        }
    }

    /** Returns true for an id that the other program can know, whether its connection still exists or not. */
    private isHandle(id: number): boolean {
        const stack = this.device.stack
        const c = findConnection(stack, id)
        if (c && c.getAt(Tcb.Flags, "u8") & ConnFlag.Pending) return false
        return wasGiven(stack, id)
    }

    private listen(port: string, backlog: string): string {
        const number = portOf(port)
        // a backlog that equals the number of connections is no limit
        const most = backlog === "" ? this.device.stack.config.connections : decimal(backlog)
        if (number < 0 || most < 0) return "err EINVAL"
        return reply(listen(this.device.stack, number, most))
    }

    private accept(id: number): string {
        const accepted = accept(this.device.stack, id)
        if (accepted === 0) return "none"
        return accepted < 0 ? "err EINVAL" : reply(accepted)
    }

    private connect(host: string, port: string, local: string): string {
        const stack = this.device.stack
        const ip = ipv4Of(host)
        const number = portOf(port)
        const localPort = local === "" ? 0 : portOf(local)
        if (ip === Address.None || number < 0 || localPort < 0) return "err EINVAL"
        let id = connect(stack, ip, number, localPort, this.device.now())
        if (id === TcpError.NoBuffers && this.freeOne()) {
            id = connect(stack, ip, number, localPort, this.device.now())
        }
        this.device.poke()
        return reply(id)
    }

    private send(id: number, amount: string, value: string): string {
        let left = decimal(amount)
        const byte = value === "" ? 0 : byteOf(value)
        if (left < 0 || byte < 0) return "err EINVAL"
        const scratch = this.scratch
        scratch.fillAt(0, Size.Scratch, byte)
        if (value === "") this.fillAlphabets()
        let sum = 0
        for (;;) {
            const length = Math.min(left, Size.Scratch)
            const n = write(this.device.stack, id, scratch, 0, length)
            // send on a connection that has ended fails with EPIPE, as it does after a shutdown
            if (n < 0) return this.failed(id, n === TcpError.Eof ? TcpError.Pipe : n)
            sum += n
            left -= n
            if (n < Size.Scratch) break
        }
        this.device.poke()
        return `ok ${sum}`
    }

    private fillAlphabets(): void {
        const scratch = this.scratch
        for (let i = 0; i < Size.Alphabet; i++) scratch.setAt(i, "u8", 97 + i)
        for (let filled: number = Size.Alphabet; filled < Size.Scratch; filled *= 2) {
            scratch.blitAt(filled, scratch, 0, filled * 2 > Size.Scratch ? Size.Scratch - filled : filled)
        }
    }

    private recv(id: number, limit: string): string {
        const stack = this.device.stack
        let left = limit === "" ? 0x7fffffff : decimal(limit)
        if (left < 0) return "err EINVAL"
        if (findListener(stack, id) >= 0) return "err ENOTCONN"
        let sum = 0
        while (left > 0) {
            const n = read(stack, id, this.scratch, 0, Math.min(left, Size.Scratch))
            if (n <= 0) break
            sum += n
            left -= n
        }
        if (sum > 0) this.device.poke()
        return `ok ${sum} ${this.standing(id)}`
    }

    private octets(id: number, limit: string): string {
        const stack = this.device.stack
        const most = decimal(limit)
        if (most < 0) return "err EINVAL"
        if (findListener(stack, id) >= 0) return "err ENOTCONN"
        const n = read(stack, id, this.scratch, 0, Math.min(most, Size.Scratch))
        const octets = n > 0 ? this.scratch.slice(0, n).toString("hex") : "-"
        if (n > 0) this.device.poke()
        return `ok ${octets} ${this.standing(id)}`
    }

    /** Returns "open", "eof" or the error that ended the connection. Once the end is reported, frees the record. */
    private standing(id: number): string {
        const stack = this.device.stack
        if (!findConnection(stack, id)) {
            const error = this.endOf(id)
            return error === TcpError.None ? "eof" : errorName(error)
        }
        const state = read(stack, id, this.scratch, 0, 0)
        if (state >= 0) return "open"
        if (stateOf(stack, id) === State.Closed) this.free(id)
        return state === TcpError.Eof ? "eof" : errorName(state)
    }

    private state(id: number): string {
        const state = stateOf(this.device.stack, id)
        if (state === State.Closed && findConnection(this.device.stack, id)) this.standing(id)
        return `ok ${stateName(state)}`
    }

    private ready(id: number): number {
        const stack = this.device.stack
        if (findConnection(stack, id) || findListener(stack, id) >= 0) return readiness(stack, id)
        // the record was freed: a program that polls must not wait for it
        const bits = Ready.In | Ready.Out | Ready.HangUp | Ready.ReadHangUp
        return this.endOf(id) === TcpError.None ? bits : bits | Ready.Error
    }

    /** Sets an option of a connection; a listener has rcvbuf, too. */
    private set(name: string, id: number, value: number): TcpError {
        const stack = this.device.stack
        if (value < 0) return TcpError.Invalid
        switch (name) {
            case "rcvbuf":
                return setReceiveLimit(stack, id, value)
            case "timeout":
                return setUserTimeout(stack, id, value)
        }
        if (value > 1) return TcpError.Invalid
        if (name === "nodelay") return setNoDelay(stack, id, value === 1)
        return setKeepAlive(stack, id, value === 1, this.device.now())
    }

    private close(id: number): string {
        this.remember(id, errorOf(this.device.stack, id))
        close(this.device.stack, id, this.device.now())
        this.device.poke()
        return "ok"
    }

    private abort(id: number): string {
        const stack = this.device.stack
        const over = findConnection(stack, id) !== undefined && stateOf(stack, id) === State.Closed
        if (over) this.remember(id, errorOf(stack, id))
        else if (findConnection(stack, id)) this.remember(id, TcpError.Aborted)
        abort(stack, id, this.device.now())
        this.device.poke()
        return "ok"
    }

    private done(id: number, error: TcpError): string {
        if (error !== TcpError.None) return this.failed(id, error)
        this.device.poke()
        return "ok"
    }

    /** Returns the reply for a call that failed: the error that ended the connection, if any, else the call's. */
    private failed(id: number, error: TcpError): string {
        const end = error === TcpError.NotConnected ? this.endOf(id) : TcpError.None
        if (end !== TcpError.None) return `err ${errorName(end)}`
        return `err ${errorName(error === TcpError.Eof ? TcpError.NotConnected : error)}`
    }

    /** Frees the record of a connection that is CLOSED with no data left to read. Returns false if no connection is. */
    private freeOne(): boolean {
        for (const c of this.device.stack.conns) {
            const id = c.getAt(Tcb.Id, "u16")
            if (id === 0 || c.getAt(Tcb.State, "u8") !== State.Closed) continue
            if (!(c.getAt(Tcb.Flags, "u8") & ConnFlag.Held)) continue
            if (c.getAt(Tcb.ReceiveLength, "u16") > 0) continue
            this.free(id)
            return true
        }
        return false
    }

    private free(id: number): void {
        this.remember(id, errorOf(this.device.stack, id))
        close(this.device.stack, id, this.device.now())
    }

    private remember(id: number, error: TcpError): void {
        if (error === TcpError.None) return
        this.ends.setAt(this.next + Ended.Id, "u16", id)
        this.ends.setAt(this.next + Ended.Error, "u8", -error)
        this.next = (this.next + Ended.Size) % this.ends.length
    }

    /**
     * Returns the error that ended a connection whose record was freed; None if it ended without an error, or the error is no
     * longer remembered.
     */
    private endOf(id: number): TcpError {
        for (let e = 0; e < this.ends.length; e += Ended.Size) {
            if (this.ends.getAt(e + Ended.Id, "u16") === id) return -this.ends.getAt(e + Ended.Error, "u8")
        }
        return TcpError.None
    }
}

/** Returns the usage of a command, "" if not found. */
function usageOf(name: string): string {
    switch (name) {
        case "listen":
            return "listen PORT [BACKLOG]"
        case "accept":
        case "shut":
        case "close":
        case "abort":
        case "state":
        case "poll":
            return `${name} H`
        case "connect":
            return "connect IP PORT [LOCALPORT]"
        case "send":
            return "send H N [BYTE]"
        case "recv":
            return "recv H [MAX]"
        case "read":
            return "read H MAX"
        case "rcvbuf":
            return "rcvbuf H N"
        case "nodelay":
        case "keepalive":
            return `${name} H 0|1`
        case "timeout":
            return "timeout H SECONDS"
        case "quit":
            return "quit"
        default:
            return ""
    }
}

/** Returns a byte in decimal digits or, after 0x, in hexadecimal ones; Argument.None if `text` is not valid. */
function byteOf(text: string): number {
    if (!text.startsWith("0x")) {
        const value = decimal(text)
        return value <= 255 ? value : Argument.None
    }
    let value = 0
    for (let i = 2; i < text.length; i++) {
        const digit = "0123456789abcdef".indexOf(text.charAt(i).toLowerCase())
        if (digit < 0) return Argument.None
        value = value * 16 + digit
    }
    return text.length > 2 && value <= 255 ? value : Argument.None
}

function reply(id: number): string {
    return id < 0 ? `err ${errorName(id)}` : `ok ${id}`
}
