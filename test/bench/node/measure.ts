// Measures the stacks in one process, in turn, and writes the result as JSON: a process that peers.ts starts. Rates are of processor
// time, as other processes share the machine; the best of several rounds counts. A round is long enough to collect the garbage that
// the stack makes.

import { AT_ONCE, type Pair } from "./line"
import { ours } from "./ours"
import { runtimejs } from "./runtimejs"
import { v86 } from "./v86"

/** What a stack reached: handshakes and megabytes a second. */
export interface Rates {
    /** Over a round, with the garbage collections that its handshakes cause. */
    handshakes: number
    /** Over the quickest STRETCH handshakes in a row, in which a stack seldom collects its garbage. */
    stretch: number
    bulk: number
}

export interface Measured {
    rates: Record<string, Rates>
    /** What went wrong, by the stack's name. */
    failures: Record<string, string>
}

const ROUNDS = 8
/** The handshakes of a round, and those before them, in which V8 compiles what a stack has new in each pair. */
const HANDSHAKES = 6720
const WARM_UP = 4800
const STRETCH = 960
const BULK = 16 << 20

const makers: Record<string, (folder: string) => Pair | Promise<Pair>> = { ours, v86, runtimejs }

/** Returns the microseconds of processor time so far. */
function used(): number {
    const { user, system } = process.cpuUsage()
    return user + system
}

/** Opens connections, and returns how many were opened in a second; closing them is not counted. */
function handshakes(pair: Pair, count: number): Omit<Rates, "bulk"> {
    let time = 0
    let stretch = 0
    let quickest = Number.POSITIVE_INFINITY
    for (let n = AT_ONCE; n <= count; n += AT_ONCE) {
        const before = used()
        for (let i = 0; i < AT_ONCE; i++) pair.open()
        stretch += used() - before
        pair.close()
        if (n % STRETCH > 0) continue
        quickest = Math.min(quickest, stretch)
        time += stretch
        stretch = 0
    }
    return { handshakes: (count / time) * 1e6, stretch: (STRETCH / quickest) * 1e6 }
}

/** Returns the megabytes that arrived in a second. */
async function bulk(pair: Pair): Promise<number> {
    const before = used()
    await pair.bulk(BULK)
    const rate = BULK / (used() - before)
    pair.close()
    return rate
}

const [folder = "", ...names] = process.argv.slice(2)
const result: Measured = { rates: {}, failures: {} }
/** The pairs for bulk. Those for handshakes are made anew each round, as their connections fill tables. */
const senders = new Map<string, Pair>()
for (let round = 0; round < ROUNDS; round++) {
    for (const name of names) {
        if (name in result.failures) continue
        try {
            const opener = await makers[name]!(folder)
            handshakes(opener, WARM_UP)
            const sender = senders.get(name) ?? (await makers[name]!(folder))
            senders.set(name, sender)
            const rates: Rates = { ...handshakes(opener, HANDSHAKES), bulk: await bulk(sender) }
            const before = result.rates[name]
            result.rates[name] = {
                handshakes: Math.max(before?.handshakes ?? 0, rates.handshakes),
                stretch: Math.max(before?.stretch ?? 0, rates.stretch),
                bulk: Math.max(before?.bulk ?? 0, rates.bulk),
            }
        } catch (error) {
            result.failures[name] = (error as Error).message
            delete result.rates[name]
        }
    }
    process.stderr.write(".")
}
process.stdout.write(JSON.stringify(result))
// timers of a peer would keep the process
process.exit(0)
