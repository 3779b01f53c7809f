// Writes events as JSON for programs, one object per line (`--json`).

import type { StackEvent, Tuple } from "../device/events"
import type { Diagnosis } from "../diagnosis/diagnosis"
import { oneLine } from "../view/describe"
import { dissect } from "../view/dissect"
import type { Observer } from "./observer"

/**
 * Returns an observer that passes whole lines to `write`. `ips` are the addresses of the devices. In a line, `time` is in seconds
 * since the devices were switched on; with several devices, `device` is the device's number, counted from 1. A "frame" line is a
 * frame other than TCP at the device's port; the other lines are events of the device's stack.
 */
export function jsonEvents(ips: readonly string[], write: (line: string) => void): Observer {
    const put = (time: number, device: number, fields: object) => {
        const which = ips.length > 1 ? { device: device + 1 } : {}
        write(`${JSON.stringify({ time: Math.round(time * 1000) / 1e6, ...which, ...fields })}\n`)
    }
    return {
        event: (event, time, device, why) => {
            put(time, device, { ...describe(ips[device]!, event), ...(why && fieldsOf(why)) })
        },
        explained: (explained, device, isOfEvent) => {
            if (isOfEvent) return
            const { time, about, id } = explained
            const ends = about === undefined ? {} : connectionOf(ips[device]!, { ...about, id: id ?? 0 })
            put(time, device, { event: "diagnosis", ...ends, ...fieldsOf(explained) })
        },
        port: (frame, direction, time, device) => {
            const view = dissect(frame)
            if (view.kind === "tcp") return
            put(time, device, {
                event: "frame",
                direction,
                protocol: view.kind,
                length: frame.length,
                text: oneLine(view),
            })
        },
    }
}

/** Returns the result of a console command as a line in the same form. */
export function jsonCommand(time: number, line: string, status: number, output: string[]): string {
    return `${JSON.stringify({ time: Math.round(time * 1000) / 1e6, event: "command", line, status, output })}\n`
}

function fieldsOf({ cause, sentence, evidence, advice, replaces }: Diagnosis): object {
    return { cause, diagnosis: sentence, evidence, advice, replaces }
}

function describe(ip: string, event: StackEvent): object {
    switch (event.kind) {
        case "drop":
            return { event: "drop", reason: event.reason }
        case "state":
            return { event: "state", ...connectionOf(ip, event), from: event.from, to: event.to }
        case "failed":
            return { event: "failed", ...connectionOf(ip, event), error: event.error }
        case "segment": {
            const { direction, flags, seq, ack, length, window, mss } = event
            const numbers = flags.includes("ACK") ? { seq, ack } : { seq }
            return {
                event: "segment",
                direction,
                ...connectionOf(ip, event),
                flags: flags.join(","),
                ...numbers,
                length,
                window,
                ...(mss === undefined ? {} : { mss }),
            }
        }
    }
}

/** Returns the fields that name a connection; a half-open connection has no number yet. */
function connectionOf(ip: string, event: Tuple & { id: number }): object {
    return { connection: event.id === 0 ? null : event.id, ...endsOf(ip, event) }
}

function endsOf(ip: string, { localPort, remoteIp, remotePort }: Tuple): object {
    return { local: `${ip}:${localPort}`, remote: `${remoteIp}:${remotePort}` }
}
