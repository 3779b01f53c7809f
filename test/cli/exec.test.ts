import { describe, expect, test } from "vitest"
import { cli, linesOf, runtimes } from "./cli"

describe.each(runtimes)("--exec on %s", runtime => {
    test("--exec runs one command after the other", async () => {
        const commands = "connect 10.0.0.1 7; wait 3 ESTABLISHED; send 3 a\\;b; sleep 100; read 3; abort 3"
        const { code, stdout, stderr } = await cli("--runtime", runtime, "--exec", commands)
        expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
        const lines = linesOf(stdout)
        const asked = lines.filter(line => line.startsWith("> "))
        expect(asked).toEqual([
            "> connect 10.0.0.1 7",
            "> wait 3 ESTABLISHED",
            "> send 3 a;b",
            "> sleep 100",
            "> read 3",
            "> abort 3",
        ])
        expect(lines[0]).toBe("> connect 10.0.0.1 7")
        expect(lines[lines.indexOf("> wait 3 ESTABLISHED") + 1]).toBe("connection 3: ESTABLISHED")
        expect(lines[lines.indexOf("> read 3") + 1]).toBe("a;b")
    })

    test("--exec ends at the first command that fails, with exit code 1", async () => {
        const { code, stdout } = await cli("--runtime", runtime, "--exec", "sleep 1; nonsense; sleep 2")
        expect(code).toBe(1)
        expect(stdout).toMatch(/^> sleep 1\n> nonsense\nunknown command "nonsense".*\n$/)
    })

    test("--keep-going runs all commands, and the exit code is still 1 if one failed", async () => {
        const words = ["--runtime", runtime, "--keep-going", "--quiet", "--exec"]
        const { code, stdout } = await cli(...words, "nonsense; read 1; connections")
        expect(code).toBe(1)
        expect(stdout).toMatch(/^unknown command "nonsense".*\n.*\nid +local .*\n1 +10\.0\.0\.2:7 [^>]*$/)
        expect(await cli(...words, "connections; sleep 1")).toMatchObject({ code: 0 })
    })

    test("--exec ends with exit code 1 after a ping without replies", async () => {
        const { code, stdout, stderr } = await cli(
            "--runtime",
            runtime,
            "--exec",
            "ping 10.0.0.1 1; ping 10.0.0.77 1"
        )
        expect(code).toBe(1)
        expect(stderr).toMatch(
            /\nresult: failed: 10\.0\.0\.77 was not reached: no host answers at that address \(host-silent\)\.\n$/
        )
        expect(stdout).toMatch(/^10\.0\.0\.1: 56 bytes, \d+ ms\n1 of 1 answered$/m)
        expect(stdout).toMatch(/\n10\.0\.0\.77: no reply\nping: 0 of 1 answered\n$/)
    })

    test('--exec "sleep 600000" takes ten minutes of virtual time, and less than this test may', async () => {
        expect(await cli("--runtime", runtime, "--exec", "sleep 600000")).toMatchObject({ code: 0 })
    })
})

test("--exec with --once runs the example first", async () => {
    const { code, stdout } = await cli("--once", "--runtime", "node", "--exec", "connections")
    expect(code).toBe(0)
    expect(stdout.indexOf("> connections")).toBeGreaterThan(stdout.indexOf("ok  The page arrived complete"))
    expect(stdout.slice(stdout.indexOf("> connections"))).toContain("TIME-WAIT")
})

test('--exec "trace on" prints events among the output', async () => {
    const { stdout } = await cli("--runtime", "node", "--exec", "trace on; connect 10.0.0.1 9; sleep 1000")
    expect(stdout).toMatch(/SYN seq=\d+/)
    expect(stdout).toContain("ECONNREFUSED")
})

describe("a run that ends before it begins", () => {
    test("with a bad option: one line, exit code 2", async () => {
        const { code, stdout, stderr } = await cli("--config", "conns=1")
        expect({ code, stdout }).toEqual({ code: 2, stdout: "" })
        expect(stderr).toMatch(/^--config unknown configuration key "conns"; known: .*\n$/)
        expect(linesOf(stderr)).toHaveLength(1)
    })

    test("with --help or --version: standard output, exit code 0", async () => {
        const help = await cli("--help")
        expect(help).toMatchObject({ code: 0, stderr: "" })
        expect(help.stdout).toContain("--runtime")
        expect(await cli("--version")).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\./) })
    })

    test("with settings that do not fit the board: one line, exit code 1; Node has the room", async () => {
        const settings = ["--exec", "memory", "--config", "connections=100"]
        const { code, stderr } = await cli("--runtime", "vm", ...settings)
        expect(code).toBe(1)
        expect(stderr).toMatch(/^fatal: config needs \d+ bytes of heap, .*\n$/)
        expect(await cli("--runtime", "node", ...settings)).toMatchObject({ code: 0, stderr: "" })
    })

    test("with a capture that cannot be written: one line, exit code 1", async () => {
        const { code, stderr } = await cli("--once", "--pcap", "/nonexistent/x.pcapng")
        expect(code).toBe(1)
        expect(stderr).toBe("cannot write the capture /nonexistent/x.pcapng: its folder does not exist\n")
    })

    test("with a link that nothing answers: one line, exit code 1", async () => {
        const { code, stderr } = await cli("--link", "stream:unix:/nonexistent/x.sock")
        expect(code).toBe(1)
        expect(stderr).toMatch(
            /^cannot connect to stream:unix:\/nonexistent\/x\.sock: the file does not exist.*\n$/
        )
    })
})
