// A field of a record is read and written with one width everywhere in src: another width would compile, and read or
// overwrite the neighbouring field without a word.

import { readdirSync, readFileSync } from "node:fs"
import { join, resolve } from "node:path"
import ts from "typescript"
import { expect, test } from "vitest"

const SRC = resolve(import.meta.dirname, "../../src")
/** Headers on the wire: bytes there are in network order, so a field is read by bytes or together with the next. */
const HEADERS = /^(Arp|Eth|Icmp|Ip|Tcp|Udp)\./

/** Fields with more than one width, and why. */
const EXCEPTIONS: [field: string, widths: string, reason: string][] = [
    ["Event.Time", "i32 u32", "the time of an event is printed unsigned"],
    ["Hashed.First", "i32 u16", "a connection's initial number, and in another hash the first port to try"],
    [
        "Header.Interface",
        "i32 u8",
        "ESP-Hosted's driver writes the first word of a header whole, the self test reads its byte",
    ],
    ["Header.Offset", "i32 u16", "written as i32, so that the checksum after it becomes 0"],
    [
        "Snapshot.ReceivedSize",
        "u16 u8",
        "the chip has the high byte first: compared with 0 whole, read by bytes",
    ],
    ["Tcb.Ports", "i32 u16", "a socket shows one of the two ports"],
    [
        "TimeWaitRecord.Deadline",
        "u16 u8",
        "its low bits are WaitFlag: they are cleared where the deadline stays",
    ],
]

/** The field at an offset such as `c - Tcb.Size + Tcb.Id` or `n + Neighbour.Mac + 4`, with the bytes added to it. */
function fieldOf(offset: string): string | undefined {
    return [...offset.matchAll(/\b([A-Z]\w*\.(?!Size\b)[A-Z]\w*)(?: \+ \d+)?/g)].at(-1)?.[0]
}

function widthsByField(): Map<string, Set<string>> {
    const widths = new Map<string, Set<string>>()
    const visit = (node: ts.Node): void => {
        if (ts.isCallExpression(node) && /\.[gs]etAt$/.test(node.expression.getText())) {
            const [offset, width] = node.arguments.map(argument => argument.getText())
            const field = fieldOf(offset!)
            if (field !== undefined && !HEADERS.test(field))
                widths.set(field, (widths.get(field) ?? new Set()).add(width!.replaceAll('"', "")))
        }
        ts.forEachChild(node, visit)
    }
    // programs of the gallery print counters, which are unsigned for people
    const names = readdirSync(SRC, { recursive: true, encoding: "utf8" }).filter(n =>
        /^(?!gallery).*\.ts$/.test(n)
    )
    for (const name of names)
        visit(ts.createSourceFile(name, readFileSync(join(SRC, name), "utf8"), ts.ScriptTarget.Latest, true))
    return widths
}

test("each field of a record in src is read and written with one width, but for the exceptions listed here", () => {
    const widths = widthsByField()
    for (const field of [
        "Tcb.SndUna",
        "Half.Iss",
        "TimeWaitRecord.SndNxt",
        "Listener.Port",
        "Seg.Sequence",
        "Ahead.End",
    ])
        expect(widths.get(field)?.size, field).toBe(1)
    const several = [...widths].filter(([, used]) => used.size > 1)
    expect(several.map(([field, used]) => [field, [...used].sort().join(" ")]).sort()).toEqual(
        EXCEPTIONS.map(([field, used]) => [field, used])
    )
})
