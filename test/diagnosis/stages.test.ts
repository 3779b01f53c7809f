// Every staged failure is explained by one sentence that names its cause, on the command line and in a lab.

import "../../sim/testing/setup"
import { readFileSync } from "node:fs"
import { expect, test } from "vitest"
import { parseOptions } from "../../sim/options/options"
import { playStage } from "../../sim/run/staged"
import { World } from "../../sim/run/world"
import { stages } from "../../sim/stage/stages"
import { check, lab } from "../../sim/testing/index"

/** What the first sentence about each stage says. */
const sentences: { readonly [name: string]: RegExp } = {
    "wrong-address":
        /^No host answers ARP for 10\.0\.0\.9: 3 requests from 0\.\d+ s to 2\.\d+ s, no reply\.$/,
    "wrong-prefix":
        /^No host answers ARP for 10\.9\.9\.9: .* With the prefix \/8 it counts as a host on this cable/,
    "narrow-prefix":
        /^10\.0\.0\.9 is on this cable, but Host X asks the router for it: with the prefix \/30 /,
    "no-gateway": /^192\.0\.2\.9 is outside of 10\.0\.0\.0\/24, and Host X knows no router/,
    "gateway-silent": /^The router 10\.0\.0\.77 does not answer ARP: 3 requests/,
    "gateway-wrong": /^192\.0\.2\.9:80 did not answer \d SYNs through 10\.0\.0\.1: that host answers ARP/,
    "no-cable": /^The cable of Host X has been out from the beginning/,
    "cable-out": /^The cable of Host X is out since 0\.\d+ s, for \d+ s/,
    "port-closed": /^10\.0\.0\.1:9 refused the connection: no program listens on that port/,
    filtered:
        /^10\.0\.0\.1:7 did not answer \d SYNs, though 10\.0\.0\.1 answers ARP: a firewall drops them\.$/,
    unreachable:
        /^10\.0\.0\.253 reports that 192\.0\.2\.9:80 cannot be reached: .* \(ICMP unreachable: host\)\.$/,
    prohibited: /^10\.0\.0\.253 reports .*: a firewall forbids it \(ICMP unreachable: prohibited\)\.$/,
    "address-taken": /^Two hosts have the address 10\.0\.0\.2: Host X \(.*\) and the host at 06:00:/,
    "dhcp-silent": /^No DHCP server answers: 4 messages since 0\.\d+ s, no reply/,
    "dhcp-refused": /^The DHCP server 10\.0\.0\.3 refuses the request \(NAK\)/,
    "dhcp-unusable":
        /^The DHCP server 10\.0\.0\.3 answers, .* cannot use the answer: its offer has a lease of 0 s/,
    "name-unknown": /^The name server\.example does not exist: the name server 10\.0\.0\.3 says so\.$/,
    "name-server-silent": /^The name server 10\.0\.0\.3 does not answer: \d questions for server\.example/,
    "wrong-number": /^10\.0\.0\.2:\d+ rejected the SYN-ACK, which acknowledges \d+: its SYN needs \d+\.$/,
    "window-shut":
        /^The window of 10\.0\.0\.8:7 was shut for the last \d+\.\d+ s: its program does not read\.$/,
    "peer-vanished": /^10\.0\.0\.1 does not answer ARP any more: .* It was last heard at 0\.\d+ s \(TCP\)\.$/,
    "peer-restarted": /^10\.0\.0\.8:7 knows no such connection any more: it has restarted/,
    "tables-full": /^All 2 connection records of Host X are in use, so it cannot open another connection\.$/,
    "server-full":
        /^All connection records of Host X are in use, so it drops the handshake of 10\.0\.0\.1:\d+\.$/,
    "backlog-full":
        /^The backlog of 10\.0\.0\.1:8003 is full: .*, so 10\.0\.0\.1 drops the handshake of 10\.0\.0\.2:\d+\.$/,
    "half-open": /^10\.0\.0\.8:40000 did not complete the handshake/,
    reset: /^10\.0\.0\.1:8002 aborted the connection/,
    corrupted: /^The line changes packets between 10\.0\.0\.2 and 10\.0\.0\.1: \d+ packets arrived damaged/,
    lossy: /^The line lost 3 of 4 segments between 10\.0\.0\.2 and 10\.0\.0\.1 since 0\.\d+ s\.$/,
    mtu: /^Packets of 502 bytes and more from 10\.0\.0\.2 to 10\.0\.0\.1 vanish on the way/,
    "closed-at-once":
        /^10\.0\.0\.1:8001 accepted the connection and closed it 10\.0 ms later, without sending anything\.$/,
    "tls-client":
        /^10\.0\.0\.1:\d+ speaks TLS \(its first data is a ClientHello\), and 10\.0\.0\.2:80 does not\.$/,
    "tls-server":
        /^10\.0\.0\.1:443 expects TLS, and answered the plain data of 10\.0\.0\.2:\d+ with a TLS alert\.$/,
}

test("every stage has a sentence", () => {
    expect(stages.map(({ name }) => name).sort()).toEqual(Object.keys(sentences).sort())
})

test("docs/diagnosis.md has every stage with its cause and its sentence", () => {
    const text = readFileSync(new URL("../../docs/diagnosis.md", import.meta.url), "utf8")
    const rows = [...text.matchAll(/^\| `([\w-]+)` \| `([\w-]+)` \| (.*) \|$/gm)]
    expect(rows.map(([, name, cause]) => [name, cause])).toEqual(
        stages.map(({ name, cause }) => [name, cause])
    )
    for (const [, name = "", , sentence] of rows) expect(sentence).toMatch(sentences[name] ?? "")
})

/** Plays a stage as `npm start -- --stage NAME` does; returns the first diagnosis. */
async function played(runtime: string, name: string) {
    const options = parseOptions(["--runtime", runtime, "--stage", name], { terminal: false })
    const { stage } = options
    if (stage === undefined) throw new Error("no stage")
    const world = await World.make(options, [])
    try {
        await world.start()
        await playStage(world, stage, () => {})
        return { stage, first: world.explainers[0]?.all[0] }
    } finally {
        await world.close()
    }
}

test.each(stages.map(({ name }) => name))("on Node: %s", async name => {
    const { stage, first } = await played("node", name)
    expect(first?.sentence).toMatch(sentences[name] ?? "")
    expect(first?.cause).toBe(stage.cause)
})

// one image, that of the flashed program, serves all of them
test.each(["wrong-address", "cable-out", "port-closed", "filtered", "window-shut"])(
    "on the VM: %s",
    async name => {
        const { stage, first } = await played("vm", name)
        expect(first?.sentence).toMatch(sentences[name] ?? "")
        expect(first?.cause).toBe(stage.cause)
    }
)

/** The stages of a test's network that fail a program which connects to 10.0.0.1 port 7 and sends. */
const inLab = ["no-cable", "cable-out", "filtered", "address-taken", "peer-vanished", "lossy", "corrupted"]

test.each(inLab)("in a lab: %s", async name => {
    const net = await lab({ runtime: "node" })
    await net.stage(name)
    const board = await net.device("src/examples/hello.ts")
    await net.pass("5 min")
    const stage = stages.find(one => one.name === name)
    expect(board).toExplain(stage?.cause ?? "")
    expect(board).not.toExplain("port-closed")
})

test("in a lab: conditions change at any time, and a failing test prints why", async () => {
    const net = await lab({ runtime: "node" })
    net.host("10.0.0.1")
    const board = await net.device("src/examples/hello.ts")
    await net.until(() => board.log.length > 0)
    expect(board).toExplain(/^10\.0\.0\.1:7 refused the connection/)
    expect(board.diagnoses[0]).toMatchObject({
        cause: "port-closed",
        evidence: [expect.stringMatching(/RST/)],
    })
    const wrong = () => check(board).toHaveConnected("10.0.0.1", 7)
    expect(wrong).toThrow(/why: 10\.0\.0\.1:7 refused the connection.*\n.*seen: .*\n.*do: start the server/s)
    expect(() => net.dhcp("refuse")).not.toThrow()
    await expect(net.stage("nonsense")).rejects.toThrow(
        /^stage: unknown name "nonsense" \(known: wrong-address, /
    )
})
