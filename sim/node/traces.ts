// Node runtime: translates stack traces of a bundled program to places in its sources.

import { SourceMap, type SourceMapPayload } from "node:module"
import { join } from "node:path"
import { ROOT } from "../build/build"

const CALL = /^\s+at (?:async )?(?:(.*?) \()?(.*?):(\d+):(\d+)\)?$/

let count = 0

export class Traces {
    /** The path under which the program is evaluated. No such file exists; the sources in the map are relative to it. */
    readonly file = join(ROOT, `device-program-${++count}.js`)
    private readonly map: SourceMap

    constructor(map: string) {
        this.map = new SourceMap(JSON.parse(map) as SourceMapPayload)
    }

    /** Returns the calls in the program as `function (file:line:column)`, the innermost first. */
    calls(stack: string): string[] {
        const calls: string[] = []
        for (const text of stack.split("\n")) {
            const [, name, file, line, column] = CALL.exec(text) ?? []
            if (file !== this.file) continue
            const entry = this.map.findEntry(Number(line) - 1, Number(column) - 1)
            if (!("originalSource" in entry)) continue
            const place = `${entry.originalSource}:${entry.originalLine + 1}:${entry.originalColumn + 1}`
            calls.push(name === undefined ? `(function) (${place})` : `${name} (${place})`)
        }
        return calls
    }
}
