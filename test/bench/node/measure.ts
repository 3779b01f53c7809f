// Measures the stacks in one process, in turn, and writes the result as JSON: a process that peers.ts starts. Rates are of processor
// time, as other processes share the machine; the best of several rounds counts.

import { AT_ONCE, type Pair } from "./line"
import { ours } from "./ours"
import { runtimejs } from "./runtimejs"
import { v86 } from "./v86"

/** What a stack reached: handshakes and megabytes a second. */
export interface Rates {
    handshakes: number
    bulk: number
}

export interface Measured {
    rates: Record<string, Rates>
    /** What went wrong, by the stack's name. */
    failures: Record<string, string>
}

const ROUNDS = 12
const HANDSHAKES = 960
const BULK = 16 << 20

const makers: Record<string, (folder: string) => Pair | Promise<Pair>> = { ours, v86, runtimejs }

/** Returns the microseconds of processor time so far. */
function used(): number {
    const { user, system } = process.cpuUsage()
    return user + system
}

/** Returns the connections that were opened in a second; closing them is not counted. */
function handshakes(pair: Pair): number {
    let time = 0
    for (let n = 0; n < HANDSHAKES; n += AT_ONCE) {
        const before = used()
        for (let i = 0; i < AT_ONCE; i++) pair.open()
        time += used() - before
        pair.close()
    }
    return (HANDSHAKES / time) * 1e6
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
const pairs = new Map<string, { pair: Pair; opened: number }>()
for (let round = 0; round < ROUNDS; round++) {
    for (const name of names) {
        if (name in result.failures) continue
        try {
            let one = pairs.get(name)
            if (
                one === undefined ||
                one.opened + HANDSHAKES + 1 > (one.pair.most ?? Number.POSITIVE_INFINITY)
            ) {
                one = { pair: await makers[name]!(folder), opened: 0 }
                pairs.set(name, one)
            }
            one.opened += HANDSHAKES + 1
            const rates = { handshakes: handshakes(one.pair), bulk: await bulk(one.pair) }
            const { handshakes: opened = 0, bulk: sent = 0 } = result.rates[name] ?? {}
            result.rates[name] = {
                handshakes: Math.max(opened, rates.handshakes),
                bulk: Math.max(sent, rates.bulk),
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
