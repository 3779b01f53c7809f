// The table of commands that both consoles have: what `help` prints, the Tab key, and `help COMMAND`.

import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { parseConsoleOptions } from "../../sim/console/options"
import {
    type ConsoleCommand,
    complete,
    explainCommand,
    helpLine,
    idsIn,
    readHelp,
    unknownCommand,
} from "../../sim/console/table"
import { OptionError } from "../../sim/options/error"

const commands = readHelp([
    "connections                       lists listeners and connections",
    "listen PORT [echo|discard|http]   listens; without a service, for read and send",
    "connect HOST PORT                 opens a connection to an IPv4 address",
    "close ID                          closes a connection or a listener",
    "wait ID STATE [MS]                waits for an RFC 9293 state, 10000 ms at most",
    "trace on|off                      prints every event as a line",
    "help [COMMAND]                    lists the commands, or explains one",
    "a-command-with-a-long-name and an argument  has two spaces after its usage, too",
    "not a command",
])
const values = async (argument: string) => (argument === "ID" ? ["3", "17"] : [])

describe("readHelp()", () => {
    test("reads the name, the usage and the purpose of each line, and skips other lines", () => {
        expect(commands.map(({ name }) => name)).toEqual([
            ...["connections", "listen", "connect", "close", "wait", "trace", "help"],
            "a-command-with-a-long-name",
        ])
        expect(commands[1]).toEqual({
            name: "listen",
            usage: "listen PORT [echo|discard|http]",
            does: "listens; without a service, for read and send",
        })
        expect(commands[7]!.usage).toBe("a-command-with-a-long-name and an argument")
    })

    test("reads each line that helpLine() writes", () => {
        const word = fc.stringMatching(/^[a-z][a-z-]{0,20}$/)
        const does = fc.stringMatching(/^[a-z]+( [a-z]+){0,5}$/)
        fc.assert(
            fc.property(word, fc.array(word, { maxLength: 4 }), does, (name, more, text) => {
                const usage = [name, ...more].join(" ")
                expect(readHelp([helpLine({ usage, does: text })])).toEqual([{ name, usage, does: text }])
            })
        )
    })
})

describe("the Tab key", () => {
    test.each<[typed: string, hits: string[], replaced: string]>([
        ["", commands.map(({ name }) => name).sort(), ""],
        ["con", ["connect", "connections"], "con"],
        ["conne", ["connect", "connections"], "conne"],
        ["tr", ["trace "], "tr"],
        ["trace ", ["off", "on"], ""],
        ["trace of", ["off "], "of"],
        ["  trace of", ["off "], "of"],
        ["trace on ", [], ""],
        ["close ", ["17", "3"], ""],
        ["close 1", ["17 "], "1"],
        ["wait 3 EST", ["ESTABLISHED "], "EST"],
        ["wait 3 ESTABLISHED ", [], ""],
        ["listen 7 e", ["echo "], "e"],
        ["connect ", [], ""],
        ["help cl", ["close "], "cl"],
        ["nonsense ", [], ""],
        ["xyz", [], "xyz"],
    ])("completes %j", async (typed, hits, replaced) => {
        expect(await complete(typed, commands, values)).toEqual([hits, replaced])
    })

    test("has an answer to any line, and offers only words that begin as the last one does", async () => {
        const line = fc.oneof(
            fc.string(),
            fc.constantFrom(...commands).chain(({ name }) => fc.string().map(text => `${name} ${text}`))
        )
        await fc.assert(
            fc.asyncProperty(line, async text => {
                const [hits, replaced] = await complete(text, commands, values)
                expect(text.endsWith(replaced)).toBe(true)
                for (const hit of hits) expect(hit.startsWith(replaced)).toBe(true)
            })
        )
    })
})

test("the IDs of the rows of connections are those of listeners and connections, not of half-open ones", () => {
    const rows = [
        "id    local          remote                state        unread unsent",
        "1     10.0.0.2:7     *                     LISTEN",
        "-     10.0.0.2:7     10.0.0.1:50000        SYN-RECEIVED",
        "12    10.0.0.2:7     10.0.0.1:50001        ESTABLISHED       0      0",
    ]
    expect(idsIn(rows)).toEqual(["1", "12"])
})

describe("help COMMAND", () => {
    test("prints the usage, the purpose, and an example", () => {
        expect(explainCommand("wait", commands)).toEqual([
            "usage: wait ID STATE [MS]",
            "waits for an RFC 9293 state, 10000 ms at most",
            "Example: wait 3 ESTABLISHED 2000. Fails when the time has passed.",
        ])
    })

    test("refuses an unknown command, and names one that begins in the same way", () => {
        expect(explainCommand("conect", commands)).toBeUndefined()
        expect(unknownCommand("conect", commands)).toBe(
            'help: unknown command "conect", did you mean connections?; help lists the commands'
        )
        expect(unknownCommand("zzz", commands)).toBe('help: unknown command "zzz"; help lists the commands')
        const none: ConsoleCommand[] = []
        for (const name of ["__proto__", "constructor", ""]) {
            expect(explainCommand(name, commands)).toBeUndefined()
            expect(unknownCommand(name, none)).toContain("unknown command")
        }
    })
})

describe("options of npm run console", () => {
    test("none has the defaults, all have their values", () => {
        expect(parseConsoleOptions([])).toEqual({
            route: undefined,
            device: undefined,
            commands: undefined,
            patience: 5000,
        })
        const words = ["--port", "sim", "--device", "AB12", "--exec", "stats; help", "--timeout", "9"]
        expect(parseConsoleOptions(words)).toEqual({
            route: { kind: "tcp", host: "127.0.0.1", port: 8085 },
            device: "AB12",
            commands: ["stats", "help"],
            patience: 9000,
        })
    })

    test.each([
        ["--port http://x", /^--port http:\/\/x is not valid; use a serial port, devtools or tcp/],
        ["--device ?", /^--device \? is neither a board's hexadecimal number/],
        ["--exec '", /^--exec the quote ' is opened and never closed/],
        ["--timeout 0", /^--timeout 0 is not a whole number of seconds/],
        ["word", /^unexpected argument "word"/],
    ])("%s is refused", (words, why) => {
        expect(() => parseConsoleOptions(words.split(" "))).toThrow(why)
        expect(() => parseConsoleOptions(words.split(" "))).toThrow(OptionError)
    })
})
