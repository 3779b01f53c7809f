import { describe, expect, test } from "vitest"
import { OptionError } from "../../sim/options/error"
import { parseOptions } from "../../sim/options/options"
import { cli } from "./cli"

function parse(line: string): ReturnType<typeof parseOptions> {
    return parseOptions(line.split(" "), { terminal: false })
}

describe("--link tap:", () => {
    test("--link tap: has real time, real randomness and no server of ours, and --impair applies", () => {
        expect(parse("--link tap:tap0 --impair loss=0.5")).toMatchObject({
            link: "tap:tap0",
            mode: "serve",
            example: false,
            time: "real",
            seed: undefined,
            gateway: undefined,
            impairments: { loss: 0.5, delay: 0 },
        })
        expect(parse("--link tap:tap0@lab=10.0.0.9/24 --control")).toMatchObject({ mode: "control" })
    })

    test.each([
        ["--link tap:", /--link tap:: the device's name is missing; write tap:NAME, /],
        ["--link tap:a/b", /letters, digits/],
        ["--link tap:t=10.0.0.2/24", /10\.0\.0\.2 is the device's own address/],
        ["--link tap:t=10.0.1.1/24", /10\.0\.1\.1 is not in the device's network 10\.0\.0\.2\/24/],
        ["--link tap:t --once", /cannot be combined: the example needs/],
        ["--link tap:t --time virtual", /cannot be combined: the other end of the link runs in real time/],
        ["--link tun:t", /is not valid; use builtin, .* or, on Linux, tap:NAME/],
    ])("%s is refused", (line, expected) => {
        expect(() => parse(line)).toThrow(OptionError)
        expect(() => parse(line)).toThrow(expected)
    })

    test("a TAP device that cannot be opened ends the run with one line and exit code 1", async () => {
        const run = await cli("--runtime", "node", "--link", "tap:tap0@devicescript-tcp-no-such-namespace")
        expect(run).toMatchObject({ code: 1, stdout: "" })
        expect(run.stderr).toMatch(/^cannot open tap:tap0@devicescript-tcp-no-such-namespace: .+\n$/)
    })
})
