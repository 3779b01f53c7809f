// What happens in the device, one JSON object a line.

import type { StackEvent } from "../device/events"
import { oneLine } from "../view/describe"
import { dissect } from "../view/dissect"
import type { Observer } from "./observer"

/**
 * An observer that hands whole lines to `write`. `time` is in seconds since the devices, which have these addresses, were
 * switched on. What comes and goes besides TCP is a "frame" of a device's port; everything else is what its stack
 * tells. Where there are several, `device` counts them from 1.
 */
export function jsonEvents(ips: readonly string[], write: (line: string) => void): Observer {
    const put = (time: number, device: number, fields: object) => {
        const which = ips.length > 1 ? { device: device + 1 } : {}
        write(`${JSON.stringify({ time: Math.round(time * 1000) / 1e6, ...which, ...fields })}\n`)
    }
    return {
        event: (event, time, device) => put(time, device, describe(ips[device]!, event)),
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
