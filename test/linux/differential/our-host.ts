// This project's stack as a compared host: on Node, in virtual time.

import { Buffer as Bytes } from "@devicescript/core"
import { accept, close, connect, listen, read, shutdown, write } from "../../../src/tcp/calls"
import { halfOpenFor } from "../../../src/tcp/half-open"
import {
    ConnOption,
    errorName,
    Half,
    isFinWait,
    State,
    stateName,
    Tcb,
    TcpError,
    TimeWaitRecord,
} from "../../../src/tcp/records"
import { findTuple, findWait, joinPorts, listenerFor } from "../../../src/tcp/tables"
import { arp, broadcastMac, ethernet } from "../../support/frames"
import { Host, ip } from "../../support/host"
import type { ComparedHost, Ports, Reading } from "./compared-host"
import { counted, type Look } from "./diagnosis"
import { comparedHost, driverHost, WINDOW } from "./lab"

/** As the kernel is set up: nothing is held back, every answer is given. */
const config = {
    connections: 4,
    halfOpen: 4,
    timeWaits: 4,
    receiveBuffer: WINDOW,
    sendBuffer: 4096,
    nagle: 0,
    delayedAck: 0,
    challengeInterval: 0,
    events: 0,
}

export class OurHost implements ComparedHost {
    private readonly host: Host
    private now = 1_000_000
    private listener = 0
    private id = 0
    private readonly into = Bytes.alloc(4096)

    constructor(
        private readonly ports: Ports,
        options: boolean
    ) {
        const offer = options ? 1 : 0
        this.host = new Host(comparedHost.ip, { ...config, timestamps: offer, sack: offer })
        const { ip: senderIp, mac: senderMac } = driverHost
        const request = arp({ operation: 1, senderMac, senderIp, targetIp: comparedHost.ip })
        this.host.receive(ethernet(broadcastMac, senderMac, 0x0806, request), this.now)
    }

    listen(): void {
        this.listener = this.checked(listen(this.host.stack, this.ports.local, 8))
    }

    connect(): Uint8Array[] {
        const { local, remote } = this.ports
        this.id = this.checked(connect(this.host.stack, ip(driverHost.ip), remote, local, this.now))
        return this.host.poll(this.now)
    }

    receive(frame: Uint8Array): Uint8Array[] {
        // far below any timer
        this.now++
        const frames = this.host.receive(frame, this.now)
        const accepted = this.listener === 0 ? 0 : this.checked(accept(this.host.stack, this.listener))
        if (accepted > 0) {
            if (this.id > 0) close(this.host.stack, this.id, this.now)
            this.id = accepted
        }
        return frames
    }

    read(): { reading: Reading; frames: Uint8Array[] } {
        let bytes = 0
        if (this.id === 0) return { reading: { bytes, status: "none" }, frames: [] }
        for (;;) {
            const result: number = read(this.host.stack, this.id, this.into, 0, this.into.length)
            if (result > 0) {
                bytes += result
                continue
            }
            const status = result === 0 ? "open" : result === TcpError.Eof ? "end" : errorName(result)
            return { reading: { bytes, status }, frames: this.host.poll(this.now) }
        }
    }

    write(length: number): Uint8Array[] {
        const bytes = Bytes.alloc(length)
        bytes.fill(0x61)
        if (this.id > 0) write(this.host.stack, this.id, bytes, 0, length)
        return this.host.poll(this.now)
    }

    shutdown(): Uint8Array[] {
        if (this.id > 0) shutdown(this.host.stack, this.id, this.now)
        return this.host.poll(this.now)
    }

    close(): Uint8Array[] {
        if (this.id > 0) close(this.host.stack, this.id, this.now)
        this.id = 0
        return this.host.poll(this.now)
    }

    look(irs: number): Look {
        const t = this.host.stack
        const remoteIp = ip(driverHost.ip)
        const ports = joinPorts(this.ports.remote, this.ports.local)
        const index = findTuple(t, remoteIp, ports)
        if (index < 0) return this.without(remoteIp, ports)
        const c = t.conns[index]
        const number = c.getAt(Tcb.State, "u8") as State
        const state = stateName(number)
        const stamped = c.getAt(Tcb.Options, "u8") & ConnOption.Timestamps
        const tsRecent = stamped ? { tsRecent: c.getAt(Tcb.TsRecent, "i32") } : {}
        if (!counted.includes(state)) return { state, ...tsRecent }
        // the FIN is not in the ring
        const fin = isFinWait(number) || number === State.Closing || number === State.LastAck
        const finOut = fin && number !== State.FinWait2 ? 1 : 0
        return {
            state,
            ...tsRecent,
            numbers: {
                rcv: (c.getAt(Tcb.RcvNxt, "i32") - irs) | 0,
                unacknowledged: c.getAt(Tcb.SendLength, "u16") + finOut,
                window: c.getAt(Tcb.SndWnd, "u16"),
            },
        }
    }

    held(): boolean {
        return this.id > 0
    }

    end(): void {}

    private without(remoteIp: number, ports: number): Look {
        const t = this.host.stack
        const w = findWait(t, remoteIp, ports)
        if (w >= 0) {
            return {
                state: stateName(State.TimeWait),
                tsRecent: t.waits.getAt(w + TimeWaitRecord.TsRecent, "i32"),
            }
        }
        const h = halfOpenFor(t, remoteIp, ports)
        if (h >= 0) {
            return { state: stateName(State.SynReceived), tsRecent: t.halves.getAt(h + Half.TsRecent, "i32") }
        }
        return { state: stateName(listenerFor(t, ports) >= 0 ? State.Listen : State.Closed) }
    }

    private checked(result: number): number {
        if (result < 0) throw new Error(errorName(result))
        return result
    }
}
