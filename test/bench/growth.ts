// How the cost of a segment on the VM grows with the records in the tables.

import { CostPeer, measured, operationsOf, PORT, type Steps } from "../costs/count"
import { CallKind } from "../fuzz/stack-under-test"
import type { Progress } from "./progress"

export interface Growth {
    what: string
    operations: number
}

const CONFIG = { receiveBuffer: 512, sendBuffer: 512, timestamps: 0, events: 0 }
/** The stack's four listeners, and eight connections. */
const LISTENERS = 4
const CONNECTIONS = [0, 1, 3, 7] as const
const OTHER_PORT = 41_000

/** A pure ACK for the last of several connections. */
function* ack(connections: number): Steps {
    const time = { now: 1000 }
    const peer = new CostPeer(false, undefined, time)
    yield* peer.listening()
    for (let i = 0; i < connections; i++) {
        const other = new CostPeer(false, OTHER_PORT + i, time)
        yield* other.halfOpen()
        yield other.segment(".")
        yield* other.accepted()
    }
    const id = yield* peer.established()
    yield peer.call(CallKind.Write, id, 100, 0, new Uint8Array(100))
    const { frame } = yield peer.turn()
    peer.hears(frame)
    yield measured(peer.segment("."))
}

/** A SYN for the last of several listeners. */
function* syn(listeners: number): Steps {
    const peer = new CostPeer(false)
    for (let i = 1; i < listeners; i++) yield peer.call(CallKind.Listen, PORT + i, 4)
    yield* peer.listening()
    yield measured(peer.segment("S", 0, ["mss 1460"]))
}

/** A SYN while every half-open record is taken: a SYN cookie answers it. */
function* cookie(): Steps {
    const time = { now: 1000 }
    const peer = new CostPeer(false, undefined, time)
    yield* peer.listening()
    for (let i = 0; i < 8; i++) {
        const other = new CostPeer(false, OTHER_PORT + i, time)
        yield* other.halfOpen()
    }
    yield measured(peer.segment("S", 0, ["mss 1460"]))
}

export async function measureGrowth(progress: Progress): Promise<Growth[]> {
    progress("counts how operations on the VM grow with connections and listeners")
    const paths: [string, () => Steps][] = [
        ...CONNECTIONS.map((n): [string, () => Steps] => [`pure ACK, ${n} other connections`, () => ack(n)]),
        ["SYN, 1 listener", () => syn(1)],
        [`SYN, ${LISTENERS} listeners`, () => syn(LISTENERS)],
        ["SYN, half-open records full", cookie],
    ]
    const results: Growth[] = []
    for (const [what, steps] of paths) results.push({ what, operations: await operationsOf(CONFIG, steps) })
    return results
}
