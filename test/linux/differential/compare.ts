// The same actions to the kernel and to ours, one after the other, for as long as they answer alike.

import { type Action, Conversation, type Outcome, type Stimulus } from "./conversation"
import { KernelHost } from "./kernel-host"
import type { Lab } from "./lab"
import { OurHost } from "./our-host"
import type { Situation } from "./states"

/** An action after which the two differ. */
export interface Difference {
    /** The situation it began in, and the actions up to here. */
    situation: string
    actions: readonly Action[]
    /** The state before it. */
    state: string
    options: boolean
    action: Action
    /** The action, if it is a segment; and the segments before it, what led to the situation left out. */
    stimulus: Stimulus | undefined
    before: readonly Stimulus[]
    /** Our TS.Recent before it. */
    tsRecent: number | undefined
    kernel: Outcome
    ours: Outcome
}

/**
 * Below the first timer of the kernel's that could send something, ms: the retransmission of a SYN after 1 s. What took
 * longer, because the machine had other things to do, is done again.
 */
const BEFORE_TIMERS = 800
const ATTEMPTS = 10

/** The two hosts in the same situation. */
export class Pair {
    private readonly kernel: Conversation
    private readonly ours: Conversation
    private readonly actions: Action[]
    private readonly stimuli: Stimulus[] = []
    private tsRecent: number | undefined
    /** From here on what the kernel sends depends on the time. */
    private timed = false
    state: string

    constructor(
        lab: Lab,
        private readonly situation: Situation,
        private readonly options: boolean,
        base: number
    ) {
        const ports = lab.ports()
        this.kernel = new Conversation(new KernelHost(lab, ports), ports, base, options)
        this.ours = new Conversation(new OurHost(ports, options), ports, base, options)
        this.actions = situation.actions(options)
        const kernel = this.kernel.prepare(this.actions)
        const ours = this.ours.prepare(this.actions)
        this.state = kernel.look.state
        this.tsRecent = ours.look.tsRecent
        if (this.state !== situation.state || !sameStanding(kernel, ours)) {
            const both = `kernel: ${describeOutcome(kernel)}, ours: ${describeOutcome(ours)}`
            throw new Error(`on the way to ${situation.name}: ${both}`)
        }
    }

    do(action: Action): Difference | undefined {
        const { state, tsRecent } = this
        const before = [...this.stimuli]
        const stimulus = this.kernel.explain(action)
        if (stimulus !== undefined) {
            this.stimuli.push(stimulus)
            // Linux answers by a RST, and within two ticks sends its SYN again
            if (state === "SYN-SENT" && stimulus.ack !== undefined && stimulus.ack !== 1) this.timed = true
        }
        const kernel = this.kernel.do(action)
        const ours = this.ours.do(action)
        this.actions.push(action)
        this.state = kernel.look.state
        this.tsRecent = ours.look.tsRecent
        if (same(kernel, ours)) return undefined
        const { options } = this
        const actions = [...this.actions]
        const situation = this.situation.name
        return { situation, actions, state, options, action, stimulus, before, tsRecent, kernel, ours }
    }

    /**
     * Does one action after the other: what came of each. It ends where the two stand differently, after a difference that
     * may show later (`ends`), before they would be asked different things (our window opens in larger steps), and where
     * timers begin to speak.
     */
    run(actions: readonly Action[], ends: (difference: Difference) => boolean): (Difference | undefined)[] {
        const differences: (Difference | undefined)[] = []
        for (const action of actions) {
            if (this.timed || this.kernel.knowledge(action) !== this.ours.knowledge(action)) break
            const difference = this.do(action)
            differences.push(difference)
            if (
                difference !== undefined &&
                (!sameStanding(difference.kernel, difference.ours) || ends(difference))
            )
                break
        }
        return differences
    }

    end(): void {
        this.kernel.end()
        this.ours.end()
    }
}

/** Runs `body` on a pair; again where it took so long that timers of the kernel's may have had a part in it. */
export function together<T>(make: () => Pair, body: (pair: Pair) => T): T {
    for (let attempt = 1; ; attempt++) {
        const start = performance.now()
        const late = () => attempt < ATTEMPTS && performance.now() - start > BEFORE_TIMERS
        try {
            const pair = make()
            const result = body(pair)
            const again = late()
            pair.end()
            if (!again) return result
        } catch (error) {
            if (!late()) throw error
        }
    }
}

export function same(a: Outcome, b: Outcome): boolean {
    return sameStanding(a, b) && a.answers.join() === b.answers.join()
}

/** The connection stands as the other one does, and so does the program; numbers count where both have them. */
export function sameStanding(a: Outcome, b: Outcome): boolean {
    const numbers = a.look.numbers !== undefined && b.look.numbers !== undefined
    return standing(a, numbers) === standing(b, numbers)
}

function standing({ look, reading }: Outcome, withNumbers = true): string {
    const { state } = look
    const numbers = withNumbers ? look.numbers : undefined
    const numbersText =
        numbers && `rcv ${numbers.rcv} unacked ${numbers.unacknowledged} wnd ${numbers.window}`
    const readingText = reading && `read ${reading.bytes} ${reading.status}`
    return [state, numbersText, readingText].filter(text => text !== undefined).join(", ")
}

export function describeAction(action: Action): string {
    if ("write" in action) return `write ${action.write}`
    if ("call" in action) return action.call
    return (
        action.segment +
        (action.stamp === undefined ? "" : ` TS ${action.stamp}`) +
        (action.unread ? " unread" : "")
    )
}

export function describeOutcome(outcome: Outcome): string {
    const answers = outcome.answers.length === 0 ? "nothing" : outcome.answers.join("; ")
    return `${answers} -> ${standing(outcome)}`
}

export function describe(difference: Difference): string {
    const { situation, actions, options, state, kernel, ours } = difference
    return [
        `${situation}${options ? ", options on" : ""}, in ${state}: ${actions.map(describeAction).join("; ")}`,
        `    kernel: ${describeOutcome(kernel)}`,
        `    ours:   ${describeOutcome(ours)}`,
    ].join("\n")
}
