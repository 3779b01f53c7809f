// Liveness: the slots that are still needed at each place of a function, and whether the value of the last call is.

import { setsReturnValue } from "./effects"
import { Op } from "./opcodes"
import { type Block, endValue, type Node, type ProgramFunction, waysOn } from "./program"

/** A set of slots as bits; the lowest bit is the value of the last call. */
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

/** Returns the liveness of a function. The result is kept, so a pass that changes the function has to call `forgetLiveness`. */
export function livenessOf(fn: ProgramFunction, shared: ReadonlySet<number>): Liveness {
    let liveness = known.get(fn)
    if (liveness === undefined) {
        liveness = new Liveness(fn, shared)
        known.set(fn, liveness)
    }
    return liveness
}

/** Forgets the liveness of a function that has changed. */
export function forgetLiveness(fn: ProgramFunction): void {
    known.delete(fn)
}

class Liveness {
    private readonly before = new Map<Block, Live>()
    private readonly behind = new Map<Block, Live>()
    /** The slots that handlers read: they are needed wherever something may throw. */
    private handled: Live = 0n

    /** Computes the liveness of a function, except of the slots in `shared`: which closures may use at any time. */
    constructor(
        fn: ProgramFunction,
        private readonly shared: ReadonlySet<number>
    ) {
        const next = waysOn(fn)
        const parts = fn.blocks.map(block => {
            const read = this.through(block, 0n)
            return { block, read, kept: ~this.storedIn(block), next: next(block), live: 0n }
        })
        const handlers = fn.blocks.flatMap(({ end }) => (end.kind === "try" ? [end.handler] : []))
        for (let changed = true; changed; ) {
            changed = false
            for (let n = parts.length - 1; n >= 0; n--) {
                const part = parts[n]
                let out = this.handled
                for (const to of part.next) out |= this.at(to)
                const live = part.read | (part.kept & out) | this.handled
                this.behind.set(part.block, out)
                if (live === part.live) continue
                part.live = live
                this.before.set(part.block, live)
                changed = true
            }
            const handled = handlers.reduce((live, handler) => live | (this.at(handler) & ~RETURN_VALUE), 0n)
            if (handled !== this.handled) {
                this.handled = handled
                changed = true
            }
        }
    }

    /** Returns the slots that are needed at the beginning of a block. */
    at(block: Block): Live {
        return this.before.get(block) ?? 0n
    }

    /** Returns the slots that are needed after a block. */
    after(block: Block): Live {
        return this.behind.get(block) ?? 0n
    }

    /** The slots that handlers read, which are needed everywhere. */
    get inHandlers(): Live {
        return this.handled
    }

    /** Returns the slots that are needed after each statement of a block; after the last one, these include those of the end. */
    statements(block: Block): Live[] {
        const live = new Array<Live>(block.statements.length)
        let now = this.beforeEnd(block, this.after(block))
        for (let n = live.length - 1; n >= 0; n--) {
            live[n] = now
            now = this.beforeStatement(block.statements[n], now)
        }
        return live
    }

    /** Returns the slots that are needed before a block if those in `out` are needed after it. */
    private through(block: Block, out: Live): Live {
        let live = this.beforeEnd(block, out)
        for (let n = block.statements.length - 1; n >= 0; n--)
            live = this.beforeStatement(block.statements[n], live)
        return live
    }

    /** Returns the slots that a block stores. */
    private storedIn({ statements, end }: Block): Live {
        // the VM throws a value of its own that holds the target
        let stored = end.kind === "throwJump" ? RETURN_VALUE : 0n
        for (const statement of statements) stored |= this.storedBy(statement)
        return stored
    }

    private storedBy({ op, number }: Node): Live {
        const value = setsReturnValue(op) ? RETURN_VALUE : 0n
        return op === Op.StoreLocal && !this.shared.has(number) ? value | slotBit(number) : value
    }

    private beforeEnd({ end }: Block, out: Live): Live {
        const value = endValue(end)
        let live = end.kind === "nullish" ? out | RETURN_VALUE : out
        if (end.kind === "throwJump") live &= ~RETURN_VALUE
        return (value === undefined ? live : live | this.reads(value)) | this.handled
    }

    private beforeStatement(statement: Node, out: Live): Live {
        const stored = this.storedBy(statement)
        let live = stored === 0n ? out : out & ~stored
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
