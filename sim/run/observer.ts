// What can be watched of a simulated world.

import type { StackEvent } from "../device/events"
import type { Level } from "../device/runtime"
import type { Station } from "../link/port"
import type { Delivery } from "../link/switch"

/** What can be watched. Times are in milliseconds since the devices were switched on; devices count from 0, Host X. */
export interface Observer {
    /** A device's stack tells of something. */
    event?(event: StackEvent, time: number, device: number): void
    /** The same of the peer's. */
    peerEvent?(event: StackEvent, time: number): void
    /** A frame was put on the network. */
    sent?(frame: Uint8Array, from: Station, time: number, deliveries: readonly Delivery[]): void
    /** A frame passes a device's port. */
    port?(frame: Uint8Array, direction: "in" | "out", time: number, device: number): void
    /** A device's program says something on its console. */
    log?(level: Level, text: string, device: number): void
}

/** An observer to whom only Host X shows itself. */
export function ofHostX(observer: Observer): Observer {
    return {
        ...observer,
        event: (event, time, device) => {
            if (device === 0) observer.event?.(event, time, device)
        },
        port: (frame, direction, time, device) => {
            if (device === 0) observer.port?.(frame, direction, time, device)
        },
    }
}
