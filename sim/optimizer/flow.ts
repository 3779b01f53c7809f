// Which slots, and whether the value of the last call, are still needed at each place of a function.

import { setsReturnValue } from "./effects"
import { Op } from "./opcodes"
import { type Block, endValue, type Node, type ProgramFunction, waysOn } from "./program"

/** A set of slots as bits; the first bit is the value of the last call. */
export type Live = bigint

export const RETURN_VALUE: Live = 1n

const bits: Live[] = []

export function slotBit(slot: number): Live {
    let bit: Live | undefined = bits[slot]
    if (bit === undefined) {
        bit = 1n << BigInt(slot + 1)
        bits[slot] = bit
    }
    return bit
}

export function isLive(live: Live, slot: number): boolean {
    return (live & slotBit(slot)) !== 0n
}

const known = new WeakMap<ProgramFunction, Liveness>()

/** The liveness of a function that has not changed since it was last asked for, or since `forgetLiveness`. */
export function livenessOf(fn: ProgramFunction, shared: ReadonlySet<number>): Liveness {
    let liveness = known.get(fn)
    if (liveness === undefined) {
        liveness = new Liveness(fn, shared)
        known.set(fn, liveness)
    }
    return liveness
}

/** To be called when a function has changed. */
export function forgetLiveness(fn: ProgramFunction): void {
    known.delete(fn)
}

export class Liveness {
    private readonly before = new Map<Block, Live>()
    private readonly behind = new Map<Block, Live>()
    /** Slots that a handler reads are needed wherever something may throw. */
    private handled: Live = 0n

    /** Slots in `shared` are not looked at: closures may use them at any time. */
    constructor(
        fn: ProgramFunction,
        private readonly shared: ReadonlySet<number>
    ) {
        const handlers = fn.blocks.flatMap(({ end }) => (end.kind === "try" ? [end.handler] : []))
        const next = waysOn(fn)
        const kept = new Map<Block, Live>()
        const read = new Map<Block, Live>()
        for (const block of fn.blocks) {
            read.set(block, this.through(block, 0n))
            kept.set(block, this.through(block, slotBit(fn.slots) - 1n))
        }
        for (let changed = true; changed; ) {
            changed = false
            for (let n = fn.blocks.length - 1; n >= 0; n--) {
                const block = fn.blocks[n]
                let out = this.handled
                for (const to of next(block)) out |= this.at(to)
                const live = read.get(block)! | (kept.get(block)! & out) | this.handled
                this.behind.set(block, out)
                if (live === this.before.get(block)) continue
                this.before.set(block, live)
                changed = true
            }
            const handled = handlers.reduce((live, handler) => live | (this.at(handler) & ~RETURN_VALUE), 0n)
            if (handled !== this.handled) {
                this.handled = handled
                changed = true
            }
        }
    }

    /** What is needed where a block begins. */
    at(block: Block): Live {
        return this.before.get(block) ?? 0n
    }

    /** What is needed where a block has ended. */
    after(block: Block): Live {
        return this.behind.get(block) ?? 0n
    }

    /** What handlers need: it is needed everywhere. */
    get inHandlers(): Live {
        return this.handled
    }

    /** What is needed behind each statement of a block; that behind the last is needed by its end too. */
    statements(block: Block): Live[] {
        const live = new Array<Live>(block.statements.length)
        let now = this.beforeEnd(block, this.after(block))
        for (let n = live.length - 1; n >= 0; n--) {
            live[n] = now
            now = this.beforeStatement(block.statements[n], now)
        }
        return live
    }

    private through(block: Block, out: Live): Live {
        let live = this.beforeEnd(block, out)
        for (let n = block.statements.length - 1; n >= 0; n--)
            live = this.beforeStatement(block.statements[n], live)
        return live
    }

    private beforeEnd({ end }: Block, out: Live): Live {
        const value = endValue(end)
        let live = end.kind === "nullish" ? out | RETURN_VALUE : out
        // the VM throws a value that says where to go on
        if (end.kind === "throwJump") live &= ~RETURN_VALUE
        return (value === undefined ? live : live | this.reads(value)) | this.handled
    }

    private beforeStatement(statement: Node, out: Live): Live {
        const { op, number } = statement
        let live = out
        if (op === Op.StoreLocal && !this.shared.has(number)) live &= ~slotBit(number)
        if (setsReturnValue(op)) live &= ~RETURN_VALUE
        for (const argument of statement.arguments) live |= this.reads(argument)
        return live | this.handled
    }

    private reads({ op, number, arguments: args }: Node): Live {
        if (op === Op.LoadLocal) return this.shared.has(number) ? 0n : slotBit(number)
        if (op === Op.ReturnValue) return RETURN_VALUE
        let live = 0n
        for (const argument of args) {
            const inner = this.reads(argument)
            if (inner !== 0n) live |= inner
        }
        return live
    }
}
