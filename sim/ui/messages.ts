// What the dashboard's server sends to its page: each message is the newest state of one thing, under a key of its own.

import type { Cause } from "../diagnosis/diagnosis"
import type { State as Conditions } from "../stage/conditions"

/** The colours of a row: those of the pictures. */
export type Tone = "plain" | "data" | "syn" | "fin" | "trouble" | "bad" | "quiet"

export type Side = "left" | "right"

/** A simulated device. */
export interface DeviceView {
    readonly number: number
    /** Its name, such as `Host X`. */
    readonly name: string
    readonly ip: string
    /** What it is and what it runs, in words. */
    readonly about: string
}

/** The network that runs now. A page that receives another one forgets what it has shown of the one before. */
export interface RunView {
    readonly kind: "run"
    readonly devices: readonly DeviceView[]
    /** The other hosts, by their names. */
    readonly hosts: readonly { readonly name: string; readonly ip: string; readonly about: string }[]
    readonly time: "real" | "virtual"
    /** The failure that the run shows. */
    readonly stage: { readonly name: string; readonly about: string } | undefined
    /** Why no failure can be staged; "" if one can. */
    readonly stageless: string
}

/** How far the run is: its status in words, and the error that ended it. */
export interface StatusView {
    readonly kind: "status"
    readonly state: "starting" | "working" | "ready" | "over"
    readonly text: string
}

/** A line of a device's ladder; the left lifeline is the device. */
export interface RowView {
    readonly kind: "row"
    readonly device: number
    readonly number: number
    /** Seconds. */
    readonly time: string
    /** A row that is gone was replaced by another one. */
    readonly form: "segment" | "frame" | "note" | "state" | "why" | "gone"
    readonly tone: Tone
    /** The sender; undefined for what is no frame. */
    readonly from: Side | undefined
    /** The text above and below the arrow; in `counted` the numbers count from 0. */
    readonly text: readonly string[]
    readonly counted: readonly string[]
    /** The states beside the first and the last line. */
    readonly left: readonly [string, string]
    readonly right: readonly [string, string]
    /** Why the frame does not arrive, in a word or two. */
    readonly lost: string | undefined
    /** The number of the connection; undefined for other frames. */
    readonly connection: number | undefined
}

/** A step from one state to another. */
export interface StepView {
    readonly from: string
    readonly to: string
    readonly time: string
}

/** One end of a connection. */
export interface EndView {
    readonly name: string
    readonly state: string
    readonly steps: readonly StepView[]
}

/** Why something failed. */
export interface WhyView {
    readonly cause: Cause
    readonly sentence: string
    readonly evidence: readonly string[]
    readonly advice: string
}

/** A connection of a device. */
export interface ConnectionView {
    readonly kind: "connection"
    readonly device: number
    readonly number: number
    /** The number that the device gave it, as its console shows it; 0 if it is not known. */
    readonly id: number
    readonly left: EndView
    readonly right: EndView
    /** Which end sent the first SYN. */
    readonly opened: Side | undefined
    readonly segments: number
    /** Bytes of data from and to the device, repetitions not counted; and how many segments were repeated. */
    readonly sent: number
    readonly received: number
    readonly repeated: number
    readonly over: boolean
    /** How it ended, in a sentence; "" while it is open. */
    readonly ended: string
    readonly why: WhyView | undefined
}

/** A failure that was explained. */
export interface FailureView extends WhyView {
    readonly kind: "failure"
    readonly number: number
    readonly device: number
    readonly time: string
    readonly connection: number | undefined
}

/** A line of the console. */
export interface LineView {
    readonly kind: "line"
    readonly number: number
    readonly text: string
    readonly tone: "command" | "output" | "error" | "log" | "note"
}

export interface ConditionsView {
    readonly kind: "conditions"
    readonly state: Conditions
}

/** The commands of the console, as `help` lists them. */
export interface CommandsView {
    readonly kind: "commands"
    readonly commands: readonly { readonly name: string; readonly usage: string; readonly does: string }[]
}

/** How the last word of a command can go on: the words that it can become, and the word itself. */
export interface CompletionView {
    readonly words: readonly string[]
    readonly last: string
}

export type Message =
    | RunView
    | StatusView
    | RowView
    | ConnectionView
    | FailureView
    | LineView
    | ConditionsView
    | CommandsView

/** What one event of the stream carries: the time of the run in seconds, and messages. */
export interface Batch {
    readonly now: string
    readonly messages: readonly Message[]
}
