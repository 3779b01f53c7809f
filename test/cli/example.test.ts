import { expect, test } from "vitest"
import { Cli, cli, linesOf, runtimes } from "./cli"

/** From the first drawing on: what is above names the runtime. */
function drawing(stdout: string): string[] {
    const lines = linesOf(stdout)
    return lines.slice(lines.findIndex(line => line.includes("+---")))
}

test.each(runtimes)("the example runs through on %s, in plain text of 80 columns", async runtime => {
    const { code, stdout, stderr } = await cli("--runtime", runtime)
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
    for (const line of linesOf(stdout)) expect(line).toMatch(/^[\x20-\x7e]{0,80}$/)
    const [, number = ""] = /SYN-ACK seq (\d+) +ack 4322/.exec(stdout) ?? []
    const next = (Number(number) + 1) >>> 0
    const promised = [
        "SYN     seq 4321",
        `SYN-ACK seq ${number} ack 4322`,
        `ACK     seq 4322       ack ${next}`,
        "ok  Host X sent SYN with its number, 4321",
        `ok  The server sent SYN-ACK with its own, ${number}, and acknowledged 4322`,
        `ok  Host X acknowledged ${next}; both ends are ESTABLISHED`,
        '"hello" -',
        'ok  "hello" went to the server and came back',
        "FIN-WAIT-1",
        "CLOSE-WAIT",
        "FIN-WAIT-2",
        "LAST-ACK",
        "TIME-WAIT",
        "ok  Both ends sent FIN, and both FINs were acknowledged",
        "ok  Host X stayed in TIME-WAIT for 60 s; now both are CLOSED",
        '"hello, Host X" -',
        "ok  The server connected to Host X, which accepted the connection and echoed",
        "GET / HTTP/1.1",
        "10.0.0.2:80",
        "ok  The page arrived complete and lists the connection that fetched it",
    ]
    let at = 0
    for (const text of promised) {
        const found = stdout.indexOf(text, at)
        expect(found, `${text} in what follows\n${stdout.slice(at)}`).toBeGreaterThanOrEqual(0)
        at = found
    }
})

test("the same seed draws the same picture on both runtimes, another seed another one", async () => {
    const runs = await Promise.all([
        cli("--once", "--seed", "7", "--runtime", "vm"),
        cli("--once", "--seed", "7", "--runtime", "node"),
        cli("--once", "--seed", "8", "--runtime", "node"),
    ])
    const [vm, node, other] = runs.map(({ stdout }) => drawing(stdout))
    expect(vm!.length).toBeGreaterThan(50)
    expect(node).toEqual(vm)
    expect(other).not.toEqual(node)
})

test.each(["1", "2", "3"])("the example passes over a bad line (seed %s)", async seed => {
    const impair = "loss=0.1,dup=0.1,reorder=0.1,corrupt=0.05,jitter=3"
    const { code, stdout, stderr } = await cli(
        "--once",
        "--runtime",
        "node",
        "--impair",
        impair,
        "--seed",
        seed
    )
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
    expect(stdout).toContain("ok  The page arrived complete")
})

test("the example with another address runs in another network", async () => {
    const { code, stdout } = await cli(
        ...["--once", "--runtime", "node", "--config", "iss=4294967295", "--ip", "192.168.7.9/24"]
    )
    expect(code).toBe(0)
    expect(stdout).toContain("ok  Host X sent SYN with its number, 4294967295")
    expect(stdout).toMatch(/ok {2}The server sent SYN-ACK with its own, \d+, and acknowledged 0\n/)
    expect(stdout).toContain("192.168.7.1")
})

test.each(runtimes)(
    "a line that loses everything fails the example on %s: exit code 1 and the reason",
    async runtime => {
        const { code, stdout, stderr } = await cli("--once", "--runtime", runtime, "--impair", "loss=1")
        expect(code).toBe(1)
        expect(stderr).toBe("the example failed: the handshake failed: EHOSTUNREACH on Host X\n")
        expect(stdout).toContain("ARP who has 10.0.0.1? ------X")
    }
)

test("the example in real time does not wait for TIME-WAIT, and prints that", async () => {
    const { code, stdout } = await cli("--once", "--runtime", "node", "--time", "real")
    expect(code).toBe(0)
    expect(stdout).toContain("Host X stays in TIME-WAIT for 60 s; the example continues meanwhile")
    expect(stdout).toContain("ok  The page arrived complete")
})

test("a signal before the example's end is a failure, and the process ends", async () => {
    const process = new Cli("--once", "--runtime", "node", "--time", "real")
    await process.until(stdout => stdout.includes("4321"))
    process.signal("SIGINT")
    expect(await process.ended).toBe(1)
    expect(process.stderr).toBe("interrupted\n")
})
