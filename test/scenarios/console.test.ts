// The console: connections, ladder, counters, memory and neighbours, the same on both runtimes.

import { expect } from "vitest"
import { serveEcho } from "../../sim/host/host"
import { tsharkAgrees } from "../support/tshark"
import { scenario } from "./scenario"
import { client, echoed } from "./traffic"

scenario(
    "connections, ladder, stats, memory and neighbours print the state of two connections",
    { config: { iss: 4321, localPort: 50_000 } },
    async net => {
        const peer = net.host(1)
        serveEcho(peer, net.clock)
        const { id } = await net.connect("10.0.0.1", 7)
        await net.command(`wait ${id} ESTABLISHED`)
        await net.command(`send ${id} hello\\r\\n`)
        await net.pass(100)
        const one = await client(net, peer, 7, "from outside")
        await echoed(net, one, "from outside")
        const table = await net.command("connections")
        expect(table[0]).toMatch(/^id +local +remote +state +unread +unsent$/)
        expect(table.slice(1).map(row => row.split(/ +/).slice(1, 4))).toEqual([
            ["10.0.0.2:7", "*", "LISTEN"],
            ["10.0.0.2:80", "*", "LISTEN"],
            ["10.0.0.2:50000", "10.0.0.1:7", "ESTABLISHED"],
            ["10.0.0.2:7", expect.stringMatching(/^10\.0\.0\.1:\d+$/), "ESTABLISHED"],
        ])
        const ladder = await net.command(`ladder ${id}`)
        expect(ladder[0]).toContain("10.0.0.2:50000 on the left, 10.0.0.1:7 on the right")
        const arrows = ladder.filter(row => /[>]\|$|\|<-/.test(row)).map(row => row.replace(/^ *\d+ /, ""))
        expect(arrows.map(row => /(SYN|ACK|PSH|-)+/.exec(row.replace(/^\|[<-]-+? /, ""))?.[0])).toEqual([
            "SYN",
            "SYN-ACK",
            "ACK",
            "PSH-ACK",
            "PSH-ACK",
            "ACK",
        ])
        expect(arrows[0]).toContain("SYN seq 4321")
        expect(arrows[1]).toContain("ack 4322")
        expect(ladder.every(row => row.length <= 80)).toBe(true)
        const stats = (await net.command("stats")).join("\n")
        for (const name of ["frames-in", "frames-out", "segments-in", "driver frames-in"]) {
            expect(stats).toContain(name)
        }
        const memory = await net.command("memory")
        expect(memory[0]).toBe(" bytes  owner")
        const bytes = memory.slice(1).map(row => Number.parseInt(row, 10))
        expect(bytes.at(-1)).toBe(bytes.slice(0, -1).reduce((sum, n) => sum + n, 0))
        expect(memory.join("\n")).toContain("rings: 8 of 1024 to send and 1024 received")
        expect((await net.command("neighbours"))[0]).toMatch(
            /^10\.0\.0\.1 +02:00:0a:00:00:01 +used \d+ ms ago$/
        )
        expect(await net.command(`read ${id}`)).toEqual(["hello\\r\\n"])
    }
)

scenario("ping prints a line for each reply, and fails without one", {}, async net => {
    net.host(1)
    const lines = await net.command("ping 10.0.0.1 2")
    expect(lines).toHaveLength(3)
    for (const line of lines.slice(0, 2)) expect(line).toMatch(/^10\.0\.0\.1: 56 bytes, \d+ ms$/)
    expect(lines[2]).toBe("2 of 2 answered")
    expect(await net.reply("ping 10.0.0.77 1")).toMatchObject({
        lines: ["10.0.0.77: no reply", "ping: 0 of 1 answered"],
        status: 1,
    })
})

scenario("a wrong command prints why, sends no frame and changes nothing", {}, async net => {
    for (const [line, word] of [
        ["nonsense", "unknown command"],
        ["connect 10.0.0.1", "usage"],
        ["connect nowhere 7", "not an IPv4 address"],
        ["connect 10.0.0.255 7", "EINVAL"],
        ["listen 70000", "not a port"],
        ["listen 7", "EADDRINUSE"],
        ["listen 8 chargen", "no service"],
        ["send 99 hello", "no connection"],
        ["close 0", "no connection"],
        ["trace maybe", "neither on nor off"],
        ["sleep long", "not a number"],
    ] as const) {
        expect(await net.refusal(line)).toContain(word)
    }
    expect(await net.command("connections")).toHaveLength(3)
    expect(net.frames).toEqual([])
    expect(net.events).toEqual([])
})

scenario("trace on prints five events of a handshake, trace off none", {}, async net => {
    serveEcho(net.host(1), net.clock)
    await net.command("trace on")
    const before = net.log.length
    const { id } = await net.connect("10.0.0.1", 7)
    await net.command(`wait ${id} ESTABLISHED`)
    await net.pass(200)
    await net.command("trace off")
    await net.pass(200)
    const told = net.log.slice(before)
    expect(told).toHaveLength(5)
    expect(told.filter(line => line.includes("SYN-SENT")).length).toBeGreaterThan(0)
    await net.command(`close ${id}`)
    await net.pass(200)
    expect(net.log.slice(before)).toEqual(told)
})

tsharkAgrees()
