// What `npm run build --` takes, and what it says of the rest: one line.

import { expect, test } from "vitest"
import { readBoard } from "../../sim/board/boards"
import { parseBuildOptions } from "../../sim/budget/options"
import { Answer } from "../../sim/options/command-line"
import { OptionError } from "../../sim/options/error"

test("options of npm run build: none, all, and a program", () => {
    expect(parseBuildOptions([])).toEqual({
        board: readBoard(),
        program: undefined,
        without: [],
        sizes: undefined,
        features: false,
        json: false,
        document: false,
    })
    expect(parseBuildOptions(["--sizes", "--features", "--without", "SACK"])).toMatchObject({
        without: ["SACK"],
        sizes: { file: undefined },
        features: true,
    })
    expect(parseBuildOptions(["--sizes", "sizes.html"]).sizes).toEqual({ file: "sizes.html" })
    expect(parseBuildOptions(["--program", "src/examples/../examples/hello.ts", "--json"])).toMatchObject({
        program: "src/examples/hello.ts",
        json: true,
    })
})

test("the help of npm run build fits a screen", () => {
    try {
        parseBuildOptions(["--help"])
        expect.unreachable()
    } catch (error) {
        expect(error).toBeInstanceOf(Answer)
        const lines = (error as Answer).message.split("\n")
        expect(lines.length).toBeLessThanOrEqual(20)
        for (const line of lines.slice(1)) expect(line.length).toBeLessThanOrEqual(100)
    }
})

test.each([
    ["--nonsense", "unknown option '--nonsense' (--help lists the options)"],
    ["--jsn", "unknown option '--jsn' (Did you mean --json?) (--help lists the options)"],
    ["src/main.ts", 'unexpected argument "src/main.ts" (--help lists the options)'],
    ["--sizes x.txt", "--sizes x.txt: the name of the file has to end in .html"],
    ["--program x.js", "--program x.js is not a TypeScript file (.ts)"],
    ["--program src/x.ts", "--program src/x.ts does not exist"],
    [
        "--program /tmp/x.ts",
        "--program /tmp/x.ts is not in this project; the compiler accepts only files of this project",
    ],
    ["--json --sizes", "--json and --sizes cannot be combined: each needs standard output for itself"],
    ["--document --json", "--document and --json cannot be combined: each needs standard output for itself"],
    [
        "--document --without SACK",
        "--document and --without cannot be combined: the table is of all programs",
    ],
    ["--json --features", "--json and --features cannot be combined: each needs standard output for itself"],
    ["--without SAC", '--without unknown feature "SAC": did you mean SACK?'],
])('options "%s" are refused: %s', (line, message) => {
    expect(() => parseBuildOptions(line.split(" "))).toThrow(new OptionError(message))
})

test("--sizes into a folder that does not exist is refused", () => {
    expect(() => parseBuildOptions(["--sizes", "no/such/x.html"])).toThrow(
        /^--sizes no\/such\/x.html: the folder .*no.such does not exist$/
    )
})
