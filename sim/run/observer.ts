// The reports of a simulated world to its observers.

import type { StackEvent } from "../device/events"
import type { Level } from "../device/runtime"
import type { Diagnosis } from "../diagnosis/diagnosis"
import type { Explained } from "../diagnosis/explainer"
import type { Station } from "../link/port"
import type { Delivery } from "../link/switch"

/** Receives reports. Times are in milliseconds since the devices were switched on; devices are numbered from 0, Host X. */
export interface Observer {
    /** Receives an event of a device's stack; `why` explains an event about a failure. */
    event?(event: StackEvent, time: number, device: number, why?: Diagnosis): void
    /** Receives an event of the stack of the built-in link's server. */
    serverEvent?(event: StackEvent, time: number): void
    /** Receives a frame that a station sent on the network. */
    sent?(frame: Uint8Array, from: Station, time: number, deliveries: readonly Delivery[]): void
    /** Receives a frame that passes a device's port. */
    port?(frame: Uint8Array, direction: "in" | "out", time: number, device: number): void
    /** Takes what happens between a device's chip and its network before a frame can pass, in words. */
    note?(text: string, time: number, device: number): void
    /** Receives a failure of a device and why it happened, once; `isOfEvent` after an event that had it as `why`. */
    explained?(explained: Explained, device: number, isOfEvent: boolean): void
    /** Receives a line that a device's program printed on its console. */
    log?(level: Level, text: string, device: number): void
}

/** Returns an observer that passes on the reports of Host X only. */
export function ofHostX(observer: Observer): Observer {
    return {
        ...observer,
        event: (event, time, device, why) => {
            if (device === 0) observer.event?.(event, time, device, why)
        },
        explained: (explained, device, isOfEvent) => {
            if (device === 0) observer.explained?.(explained, device, isOfEvent)
        },
        note: (text, time, device) => {
            if (device === 0) observer.note?.(text, time, device)
        },
        port: (frame, direction, time, device) => {
            if (device === 0) observer.port?.(frame, direction, time, device)
        },
    }
}
