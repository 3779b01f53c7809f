// The dearest pieces of work there are on the VM: full default tables, in which what is looked for stands last, the
// largest frames, and all events kept. What a driver's loop does between two awaits never takes more than BOUND.

import { afterAll, expect, test } from "vitest"
import { CallKind } from "../fuzz/stack-under-test"
import { BOUND } from "../fuzz/vm-program"
import { CostPeer, measured, operationsOf, type Steps } from "./count"

const rows: string[] = []
afterAll(() => console.log(["with full default tables and 32 events:", ...rows].join("\n")))

/** Of each table of the default configuration. */
const RECORDS = 8

/** Peers with a port and a time of their own. */
class Crowd {
    private readonly time = { now: 1000 }
    private port = 41_000

    next(stackPort?: number): CostPeer {
        return new CostPeer(true, this.port++, this.time, stackPort)
    }

    /** So many in TIME-WAIT, then ESTABLISHED, then half open. */
    *fill(waits: number, connections: number, halves: number): Steps<{ peers: CostPeer[]; ids: number[] }> {
        yield* this.next().listening()
        const peers: CostPeer[] = []
        const ids: number[] = []
        for (let i = 0; i < waits; i++) {
            peers.push(this.next())
            yield* peers.at(-1)!.timeWait()
        }
        for (let i = 0; i < connections; i++) {
            peers.push(this.next())
            ids.push(yield* peers.at(-1)!.established())
        }
        for (let i = 0; i < halves; i++) {
            peers.push(this.next())
            yield* peers.at(-1)!.halfOpen()
        }
        return { peers, ids }
    }
}

const FULL = 1448

const dearest: Record<string, (crowd: Crowd) => Steps> = {
    *"SYN with text, the last half-open record"(crowd) {
        yield* crowd.fill(RECORDS, RECORDS, RECORDS - 1)
        yield measured(crowd.next().segment("S", FULL - 24, ["mss 1460", "sackOK", "wscale 7", "nop"]))
    },
    *"SYN with text, a cookie"(crowd) {
        yield* crowd.fill(RECORDS, RECORDS, RECORDS)
        yield measured(crowd.next().segment("S", FULL - 24, ["mss 1460", "sackOK", "wscale 7", "nop"]))
    },
    *"ACK with text, the last half-open record becomes a connection"(crowd) {
        const { peers } = yield* crowd.fill(RECORDS, RECORDS - 1, RECORDS)
        yield measured(peers.at(-1)!.segment("P.", FULL))
    },
    *"ACK with text, a cookie becomes a connection"(crowd) {
        yield* crowd.fill(RECORDS, RECORDS - 1, RECORDS)
        const peer = crowd.next()
        yield* peer.halfOpen()
        yield measured(peer.segment("P.", FULL))
    },
    *"SYN-ACK with text and FIN, SYN-SENT"(crowd) {
        yield* crowd.fill(RECORDS, RECORDS - 1, RECORDS)
        const peer = crowd.next(50_000)
        yield* peer.synSent()
        yield measured(peer.segment("SF.", FULL - 24, ["mss 1460", "sackOK", "nop", "nop"]))
    },
    *"text for the last connection, more than fits"(crowd) {
        const { peers } = yield* crowd.fill(RECORDS, RECORDS, 0)
        yield measured(peers.at(-1)!.segment("P.", FULL))
    },
    *"SYN that opens the last connection in TIME-WAIT anew"(crowd) {
        const { peers } = yield* crowd.fill(RECORDS, RECORDS, RECORDS - 1)
        yield measured(peers[RECORDS - 1]!.segment("S", FULL - 24, ["mss 1460", "sackOK", "wscale 7", "nop"]))
    },
    *"ping of 1,472 bytes"(crowd) {
        yield* crowd.fill(0, 0, 0)
        yield measured(crowd.next().ping(1472))
    },
    *"all timers of all records, and a retransmission"(crowd) {
        const { peers, ids } = yield* crowd.fill(RECORDS, RECORDS, RECORDS)
        for (const [i, id] of ids.entries()) {
            yield peers[RECORDS + i]!.call(CallKind.Write, id, 1000, 0, new Uint8Array(1000))
            yield peers[RECORDS + i]!.turn()
        }
        // longer than TIME-WAIT takes
        yield measured(peers[0]!.turn(61_000))
    },
}

test.each(Object.keys(dearest))("%s stays within the VM's limit of operations", async what => {
    const n = await operationsOf({}, () => dearest[what]!(new Crowd()))
    rows.push(`${n.toLocaleString("en").padStart(7)} operations: ${what}`)
    expect(n).toBeGreaterThan(1000)
    expect(n).toBeLessThanOrEqual(BOUND)
})
