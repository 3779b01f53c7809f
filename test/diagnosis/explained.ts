// Runs a device on a network of actors, and returns what was explained.

import type { Explained } from "../../sim/diagnosis/explainer"
import { parseOptions } from "../../sim/options/options"
import { World } from "../../sim/run/world"
import type { Actor } from "../../sim/stage/actor"
import type { Stage } from "../../sim/stage/stages"
import type { TcpView } from "../../sim/view/dissect"

export type Part = Pick<Stage, "set" | "commands">

let result = ""

/** Returns the result of the last run. */
export function lastResult(): string {
    return result
}

/** Runs a program, or the flashed one with the commands, on a network that `set` prepares; returns all that was explained. */
export async function explained(
    { set = () => {}, commands = [] }: Part,
    seconds: number,
    ...words: string[]
): Promise<readonly Explained[]> {
    // a stage has virtual time, and no example
    const options = parseOptions(["--runtime", "node", "--stage", "port-closed", ...words], {
        terminal: false,
    })
    const stage: Stage = { name: "of a test", about: "", cause: "reset", set, commands }
    const world = await World.make({ ...options, stage }, [])
    try {
        await world.start()
        for (const command of options.program === undefined ? commands : [])
            world.explainReply(command, await world.command(command))
        await world.pass(seconds * 1000)
        result = world.explainers[0]?.result() ?? ""
        return world.explainers[0]?.all ?? []
    } finally {
        await world.close()
    }
}

/** Lets an actor answer a SYN by SYN-ACK, and every other segment by what `answer` does. */
export function serve(actor: Actor, answer: (view: TcpView) => void): void {
    actor.onSegment = view => {
        if (view.flags.syn) actor.segment(view, { seq: 5000, ack: view.seq + 1, flags: "S.", window: 8000 })
        else answer(view)
    }
}

/** Acknowledges what a segment takes, and answers its FIN by a FIN. */
export function acknowledge(actor: Actor, view: TcpView, window = 8000): void {
    const { seq, length, flags } = view
    if (length > 0) actor.segment(view, { seq: 5001, ack: seq + length, flags: ".", window })
    else if (flags.fin) actor.segment(view, { seq: 5001, ack: seq + 1, flags: "F.", window })
}

export const TALK = ["connect 10.0.0.8 7", "wait 3 ESTABLISHED", "send 3 hello"]
