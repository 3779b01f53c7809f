// What the dashboard reports of a run to its page: connections with both ends' states, the ladder, failures, and what commands print.

import type { Socket } from "node:net"
import { afterEach, describe, expect, test } from "vitest"
import { parseOptions } from "../../sim/options/options"
import { stages } from "../../sim/stage/stages"
import { Dashboard } from "../../sim/ui/dashboard"
import { diagram } from "../../sim/ui/diagram"
import type { ConnectionView, FailureView, Message, RowView } from "../../sim/ui/messages"
import { taken } from "../cli/ports"

let dashboard: Dashboard
afterEach(() => dashboard?.close())

async function start(...words: string[]): Promise<void> {
    const all = ["--ui", "--runtime", "node", "--time", "virtual", "--config", "timeWait=500", ...words]
    dashboard = new Dashboard(stage => parseOptions(all, { terminal: false, stage }))
    await dashboard.start()
    await dashboard.idle()
}

const all = () => dashboard.feed.since(0, 100_000).messages
function of<Kind extends Message["kind"]>(kind: Kind): Extract<Message, { kind: Kind }>[] {
    return all().filter((one): one is Extract<Message, { kind: Kind }> => one.kind === kind)
}
const rows = (device = 0): RowView[] =>
    of("row")
        .filter(row => row.device === device && row.form !== "gone")
        .sort((a, b) => a.number - b.number)
const connections = (device = 0): ConnectionView[] =>
    of("connection")
        .filter(one => one.device === device)
        .sort((a, b) => a.number - b.number)
const printed = () => of("line").map(({ text }) => text)

/** Sends a command and waits until it has been carried out. */
async function command(line: string): Promise<string[]> {
    const before = of("line").length
    expect(dashboard.order({ command: line })).toBeUndefined()
    await dashboard.idle()
    return printed().slice(before)
}

const path = (end: ConnectionView["left"]) => [end.steps[0]?.from, ...end.steps.map(({ to }) => to)].join(" ")

describe("the example", () => {
    test("is there with its handshake, both ends' paths, and how each connection ended", async () => {
        await start()
        const [run] = of("run")
        expect(run).toMatchObject({
            time: "virtual",
            stageless: "",
            devices: [{ name: "Host X", number: 0 }],
        })
        expect(run!.stage).toBeUndefined()
        const [first, second] = connections()
        expect(first).toMatchObject({
            id: 3,
            opened: "left",
            sent: 5,
            received: 5,
            repeated: 0,
            over: true,
            why: undefined,
        })
        expect(first!.right.name).toBe("10.0.0.1:7")
        expect(path(first!.left)).toBe("CLOSED SYN-SENT ESTABLISHED FIN-WAIT-1 FIN-WAIT-2 TIME-WAIT CLOSED")
        expect(path(first!.right)).toBe("LISTEN SYN-RECEIVED ESTABLISHED CLOSE-WAIT LAST-ACK CLOSED")
        expect(first!.ended).toMatch(/^Closed by both ends, 10\.0\.0\.2:\d+ first\.$/)
        expect(second).toMatchObject({ opened: "right", sent: 13, received: 13 })
        const segments = rows().filter(({ connection, form }) => connection === 1 && form === "segment")
        expect(segments.slice(0, 3)).toMatchObject([
            {
                from: "left",
                tone: "syn",
                text: [expect.stringMatching(/^SYN {2}seq 4321$/), expect.stringContaining("mss 1460")],
                counted: ["SYN  seq 0", expect.anything()],
                left: ["SYN-SENT", ""],
                right: ["LISTEN", "SYN-RECEIVED"],
            },
            {
                from: "right",
                counted: ["SYN-ACK  seq 0  ack 1", expect.anything()],
                left: ["", "ESTABLISHED"],
            },
            { from: "left", counted: ["ACK  seq 1  ack 1", expect.anything()], right: ["", "ESTABLISHED"] },
        ])
        const times = rows().map(({ time }) => Number(time))
        expect(times).toEqual([...times].sort((a, b) => a - b))
        expect(
            rows()
                .filter(({ form, connection }) => form === "state" && connection === 1)
                .map(({ left, right }) => [left[0], right[0]])
        ).toEqual([["CLOSED", ""]])
        expect(rows().some(({ text }) => text[0] === "ARP who has 10.0.0.1?")).toBe(true)
        expect(dashboard.graphs(0, 1)).toMatch(/^<svg class="picture".*<\/svg>$/s)
        expect(dashboard.report(0, 1)).toMatch(/^<!doctype html>.*Closed by both ends.*<\/html>\n$/s)
        expect(dashboard.graphs(0, 99)).toBeUndefined()
        expect(dashboard.graphs(1, 1)).toBeUndefined()
    })
})

describe("commands", () => {
    test("print what they print on the terminal, change the line, and failures stand on the connection", async () => {
        await start()
        expect((await command("nonsense")).join(" ")).toMatch(/^> nonsense .*unknown command/)
        expect((await command("picture off")).join(" ")).toContain("picture: the ladder is always drawn here")
        expect(await dashboard.complete("pi", 0)).toEqual({ words: ["ping "], last: "pi" })
        expect(await dashboard.complete("close ", 0)).toEqual({ words: ["6 "], last: "" })
        expect(await command("impair loss=1,rate=9600bit")).toContain("the line: loss=1,delay=5,rate=9600bit")
        expect(of("conditions")[0]!.state.line).toMatchObject({ loss: 1, delay: 5, rate: 9600 })
        await command("connect 10.0.0.1 7")
        await command("sleep 300000")
        const last = connections().at(-1)!
        expect(last.why!.sentence).toMatch(/^The line lost |^No host answers ARP|does not answer ARP/)
        expect(of("failure").at(-1)).toMatchObject({ device: 0, connection: last.number })
        expect(rows().filter(({ lost }) => lost === "lost").length).toBeGreaterThan(2)
        expect(rows().at(-1)!.form).not.toBe("gone")
        expect(printed().some(text => text.startsWith("why: "))).toBe(true)
        await command("impair off")
        expect(of("conditions")[0]!.state.line).toEqual({
            loss: 0,
            delay: 5,
            jitter: 0,
            dup: 0,
            reorder: 0,
            corrupt: 0,
            rate: 0,
        })
    })

    test.each(["", " ", "a\nb", "x".repeat(1001)])("%j is refused", async line => {
        dashboard = new Dashboard(stage => parseOptions(["--ui"], { terminal: false, stage }))
        expect(dashboard.order({ command: line })).toBe("A command is one line of 1 to 1,000 characters.")
    })
})

describe("a staged failure", () => {
    test("begins a network of its own, and another order ends it", async () => {
        await start()
        expect(dashboard.order({ stage: "no-such" })).toMatch(/^stage: unknown name "no-such" \(known: /)
        expect(dashboard.order({ stage: "port-closed" })).toBeUndefined()
        await dashboard.idle()
        const [one, ...others] = connections()
        expect(others).toEqual([])
        expect(one!.why).toMatchObject({
            cause: "port-closed",
            sentence: expect.stringMatching(/^10\.0\.0\.1:9 refused the connection/),
            evidence: [expect.any(String)],
            advice: expect.stringMatching(/./),
        })
        expect(path(one!.left)).toBe("CLOSED SYN-SENT CLOSED")
        const reset = rows().find(({ tone, form }) => tone === "bad" && form === "segment")
        expect(reset).toMatchObject({ from: "right", left: ["", "CLOSED"] })
        expect(rows().some(({ form }) => form === "why")).toBe(true)
        // orders that come at once: the last one counts
        dashboard.order({ stage: "filtered" })
        dashboard.order({ stage: "reset" })
        dashboard.order({ stage: "" })
        await dashboard.idle()
        expect(of("failure")).toEqual([])
        expect(connections()[0]!.ended).toMatch(/^Closed by both ends/)
        expect(await command("connections")).toContain("> connections")
    })

    test("is shown also when it is ordered while the first network starts, and commands wait for that", async () => {
        const words = ["--ui", "--runtime", "node", "--time", "virtual"]
        dashboard = new Dashboard(stage => parseOptions(words, { terminal: false, stage }))
        const starting = dashboard.start()
        expect(dashboard.order({ stage: "port-closed" })).toBeUndefined()
        expect(dashboard.order({ stage: "reset" })).toBeUndefined()
        await starting
        await dashboard.idle()
        expect(of("run")[0]!.stage?.name).toBe("reset")
        expect(connections()[0]!.why?.cause).toBe("reset")
        dashboard.order({ stage: "" })
        while (dashboard.order({ command: "connections" }) !== undefined) await new Promise(setImmediate)
        await dashboard.idle()
        expect(printed().slice(-20)).toContain("> connections")
    })

    test("of DHCP runs its own program, whose connections need no console", async () => {
        await start()
        dashboard.order({ stage: "dhcp-refused" })
        await dashboard.idle()
        expect(of("failure")[0]).toMatchObject({
            cause: "dhcp-refused",
            connection: undefined,
        } satisfies Partial<FailureView>)
        expect(of("conditions")[0]!.state.dhcp).toBe("refuse")
        expect(await command("connections")).toContain("this program takes no commands")
        expect(await command("dhcp on")).toContain("the DHCP server is set to on")
        expect(of("conditions")[0]!.state.dhcp).toBe("on")
    })

    test("runs into a program of the user's, which has no console", async () => {
        await start("--program", "src/examples/hello.ts", "--stage", "filtered")
        expect(of("run")[0]!.devices[0]!.about).toContain("src/examples/hello.ts on Node")
        expect(connections()[0]!.why).toMatchObject({ cause: "filtered" })
        expect(path(connections()[0]!.left)).toMatch(/^CLOSED SYN-SENT/)
        expect(await command("connections")).toContain("this program takes no commands")
    })

    test("is shown by the package's own program when the user's does not run into it", async () => {
        const words = ["--ui", "--runtime", "node", "--program", "src/examples/hello.ts"]
        const options = { terminal: false, stage: "window-shut" }
        dashboard = new Dashboard((_, own) => parseOptions(words, { ...options, own }))
        await dashboard.start()
        // the first run's end begins the second
        for (let i = 0; i < 2; i++) await dashboard.idle()
        expect(printed()).toContain("src/examples/hello.ts does not run into window-shut: src/main.ts does.")
        expect(of("failure")[0]).toMatchObject({ cause: "window-shut" })
        expect(await command("connections")).toContain("> connections")
    })

    test("completes only what a program without a console takes", async () => {
        await start("--program", "src/examples/hello.ts", "--stage", "filtered")
        const { words } = await dashboard.complete("", 0)
        expect(words).toContain("why")
        expect(words).not.toContain("connect")
        expect(words).not.toContain("picture")
        expect((await command("help")).join("\n")).toMatch(/^why \[ID\] /m)
    })

    test("has a button's name for each of the command line's", () => {
        for (const { name } of stages) {
            const { stage } = parseOptions(["--ui"], { terminal: false, stage: name })
            expect(stage?.name).toBe(name)
        }
    })

    test("is refused on a link without the stage's hosts, in one sentence", async () => {
        dashboard = new Dashboard(stage =>
            parseOptions(["--ui", "--link", "user"], { terminal: false, stage })
        )
        expect(dashboard.order({ stage: "filtered" })).toMatch(
            /^--link user and --stage cannot be combined: /
        )
    })
})

test("a run that ends, here with its link, says so, takes no commands, and another one begins", async () => {
    const sockets: Socket[] = []
    const { port, server } = await taken(socket => sockets.push(socket))
    const words = ["--ui", "--runtime", "node", "--link", `stream:127.0.0.1:${port}`]
    dashboard = new Dashboard(stage => parseOptions(words, { terminal: false, stage }))
    await dashboard.start()
    await dashboard.idle()
    expect(of("status")[0]).toMatchObject({ state: "ready" })
    expect(dashboard.order({ command: "sleep 9000" })).toBeUndefined()
    sockets[0]!.destroy()
    while (of("status")[0]!.state !== "over") await new Promise(resolve => setTimeout(resolve, 5))
    expect(of("status")[0]!.text).toMatch(/^The link ended: /)
    expect(dashboard.order({ command: "help" })).toBe("The run is over: start again.")
    expect(dashboard.order({ stage: "" })).toBeUndefined()
    await dashboard.idle()
    expect(of("status")[0]).toMatchObject({ state: "ready" })
    expect(sockets).toHaveLength(2)
    await dashboard.close()
    server.close()
})

test("each of several devices has its own ladder and connections, with the other end's states", async () => {
    await start("--runtime", "node,node")
    const before = connections().length
    await command("on 2 connect 10.0.0.2 7")
    const there = connections(1).at(-1)!
    const here = connections()[before]!
    expect([there.left.state, there.right.state]).toEqual(["ESTABLISHED", "ESTABLISHED"])
    expect([here.left.state, here.right.state]).toEqual(["ESTABLISHED", "ESTABLISHED"])
    expect(there.right.name).toBe("10.0.0.2:7")
    expect(here).toMatchObject({ opened: "right", left: { name: "10.0.0.2:7" } })
    expect(there.opened).toBe("left")
    expect(path(there.right)).toBe(path(here.left))
    // what the server and Host X said to each other is not in the ladder of host 2
    expect(
        rows(1)
            .filter(({ form }) => form === "segment")
            .every(row => row.connection === there.number)
    ).toBe(true)
})

test("the diagram has the states and steps of RFC 9293 figure 5", () => {
    const text = diagram()
    const states = new Set([...text.matchAll(/data-state="([\w-]+)"/g)].map(match => match[1]))
    expect(states.size).toBe(11)
    const edges = [...text.matchAll(/data-from="([\w-]+)" data-to="([\w-]+)"/g)]
    expect(edges).toHaveLength(21)
    for (const [, from, to] of edges) expect([states.has(from), states.has(to)]).toEqual([true, true])
})
