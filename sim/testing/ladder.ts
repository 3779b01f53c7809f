// Draws what a test has seen of a device as a ladder diagram.

import type { StackEvent } from "../device/events"
import type { View } from "../view/dissect"
import { Ladder } from "../view/ladder"
import type { Seen } from "./wire"

/** A frame or an event of the device's stack. */
export interface Moment {
    readonly time: number
    /** Its place among the moments. */
    readonly order: number
    readonly frame?: Seen
    readonly event?: StackEvent
}

interface Named {
    readonly name: string
    readonly ip: string
}

const WIDTH = 80
/** The last moments that are drawn: those before them are only counted. */
const SHOWN = 60

/** Returns the ladder of a device and of the host that it talks to first; other hosts are named beside their ports. */
export function drawLadder(device: Named, all: readonly Moment[]): string {
    const moments = all.filter(isShown).sort((a, b) => a.order - b.order)
    const other = moments.map(({ frame }) => peerOf(frame?.view, device.ip)).find(ip => ip !== undefined)
    const lines: string[] = []
    const ladder = new Ladder({
        write: text => lines.push(text),
        width: WIDTH,
        color: false,
        unicode: false,
        left: device,
        right: { name: "host", ip: other ?? "?" },
    })
    const last = moments.slice(-SHOWN)
    if (last.length < moments.length) ladder.note(`${moments.length - last.length} frames and events before`)
    for (const { frame, event, time } of last) {
        if (frame !== undefined) {
            const { view, lost, arrives, from } = frame
            const side = from === device.name ? "left" : "right"
            ladder.segment(view, { time, arrives, from: side, ...(lost ? { lost: "loss" as const } : {}) })
        } else if (event?.kind === "state") {
            const { localPort, remotePort, remoteIp, from, to } = event
            const host = remoteIp === other ? undefined : remoteIp
            ladder.state("left", from, to, time, { left: localPort, right: remotePort, host })
        } else if (event?.kind === "failed") ladder.note(`the connection failed, ${event.error}`)
    }
    ladder.flush()
    return lines.length === 0 ? `${device.name} sent and received nothing\n` : lines.join("")
}

function isShown({ frame, event }: Moment): boolean {
    return frame !== undefined || event?.kind === "state" || event?.kind === "failed"
}

/** Returns the address of the host at the other end of a packet of the device; undefined for a broadcast. */
function peerOf(view: View | undefined, ip: string): string | undefined {
    if (view === undefined) return undefined
    const ends =
        view.kind === "arp"
            ? [view.senderIp, view.targetIp]
            : "source" in view
              ? [view.source, view.destination]
              : []
    if (!ends.includes(ip)) return undefined
    return ends.find(end => end !== ip && end !== "0.0.0.0" && !end.endsWith(".255"))
}
