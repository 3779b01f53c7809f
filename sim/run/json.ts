// What happens in the device, one JSON object a line.

import type { StackEvent } from "../events"
import { oneLine } from "../view/describe"
import { dissect } from "../view/dissect"
import type { Observer } from "./world"

/**
 * An observer that hands whole lines to `write`. `time` is in seconds since the device was switched on. What comes and
 * goes besides TCP is a "frame" of the device's port; everything else is what the device's stack tells.
 */
export function jsonEvents(ip: string, write: (line: string) => void): Observer {
    const put = (time: number, fields: object) => {
        write(`${JSON.stringify({ time: Math.round(time * 1000) / 1e6, ...fields })}\n`)
    }
    return {
        event: (event, time) => put(time, describe(ip, event)),
        port: (frame, direction, time) => {
            const view = dissect(frame)
            if (view.kind === "tcp") return
            put(time, {
                event: "frame",
                direction,
                protocol: view.kind,
                length: frame.length,
                text: oneLine(view),
            })
        },
    }
}

/** The outcome of a console command as a line of the same kind. */
export function jsonCommand(time: number, line: string, status: number, output: string[]): string {
    return `${JSON.stringify({ time: Math.round(time * 1000) / 1e6, event: "command", line, status, output })}\n`
}

function describe(ip: string, event: StackEvent): object {
    if (event.kind === "drop") return { event: "drop", reason: event.reason }
    const connection = {
        // a half-open connection has no number yet
        connection: event.id === 0 ? null : event.id,
        local: `${ip}:${event.localPort}`,
        remote: `${event.remoteIp}:${event.remotePort}`,
    }
    switch (event.kind) {
        case "state":
            return { event: "state", ...connection, from: event.from, to: event.to }
        case "failed":
            return { event: "failed", ...connection, error: event.error }
        case "segment": {
            const { direction, flags, seq, ack, length, window, mss } = event
            const numbers = flags.includes("ACK") ? { seq, ack } : { seq }
            return {
                event: "segment",
                direction,
                ...connection,
                flags: flags.join(","),
                ...numbers,
                length,
                window,
                ...(mss === undefined ? {} : { mss }),
            }
        }
    }
}
