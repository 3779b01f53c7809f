// poll(): which of several sockets are ready, now or within a time.

import { BadExpression, fieldOf, numberFor } from "./expressions"
import type { Expression } from "./script"
import type { Operation, Result, Sockets } from "./sockets"
import { bitNames, constant } from "./symbols"

interface Entry {
    readonly fd: number
    readonly events: number
    /** What the script says comes back. */
    readonly revents: number
}

const bit = (name: string) => constant(name)!
/** Told whether they were asked for or not. */
const ALWAYS = bit("POLLERR") | bit("POLLHUP")

/** poll([{fd=4, events=POLLIN, revents=POLLIN}], 1, timeout in ms). */
export function poll(sockets: Sockets, args: readonly Expression[]): Operation {
    if (args.length !== 3) throw new BadExpression(`3 arguments are needed, not ${args.length}`)
    const entries = entriesOf(args[0]!)
    const count = numberFor(args[1]!, "the number of sockets")
    if (count !== entries.length) throw new BadExpression(`${entries.length} sockets, not ${count}`)
    const timeout = numberFor(args[2]!, "timeout")
    let until: number | undefined
    return async () => {
        const now = sockets.backend.now()
        until ??= timeout < 0 ? Number.POSITIVE_INFINITY : now + timeout * 1000
        const ready: number[] = []
        for (const entry of entries) ready.push(await readiness(sockets, entry))
        const some = ready.filter(bits => bits !== 0).length
        if (some === 0 && now < until) return undefined
        return { outcome: some, problem: problemOf(entries, ready) } satisfies Result
    }
}

function entriesOf(list: Expression): Entry[] {
    if (list.kind !== "list")
        throw new BadExpression("sockets are written [{fd=4, events=POLLIN, revents=POLLIN}]")
    return list.items.map(item => {
        const value = (name: string, other?: number) => {
            const field = fieldOf(item, name)
            if (field === undefined && other === undefined) throw new BadExpression(`${name} is missing`)
            return field === undefined ? other! : numberFor(field, name)
        }
        return { fd: value("fd"), events: value("events"), revents: value("revents", 0) }
    })
}

async function readiness(sockets: Sockets, { fd, events }: Entry): Promise<number> {
    const socket = sockets.socketOf(fd)
    // Linux says so of a socket that was never connected
    if (socket.handle === undefined) return (bit("POLLOUT") & events) | bit("POLLHUP")
    let bits = await sockets.backend.ready(socket.handle)
    if (socket.readShut) bits |= bit("POLLIN")
    if ((bits & bit("POLLIN")) !== 0) bits |= bit("POLLRDNORM")
    if ((bits & bit("POLLOUT")) !== 0) bits |= bit("POLLWRNORM")
    return bits & (events | ALWAYS)
}

function problemOf(entries: readonly Entry[], ready: readonly number[]): string | undefined {
    const wrong = entries.flatMap(({ fd, revents }, i) => {
        if (ready[i] === revents) return []
        return [`revents of ${fd} are ${bitNames("POLL", ready[i]!)} instead of ${bitNames("POLL", revents)}`]
    })
    return wrong.length === 0 ? undefined : wrong.join("; ")
}
