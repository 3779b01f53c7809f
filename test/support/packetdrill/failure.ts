// What a script says when it cannot be read, or when something happens that is not what its lines say.

/** Where a script was read from, and its lines as they stand there: a message shows the line it is about. */
export interface Source {
    /** As messages name it, from the project's root on. */
    readonly path: string
    /** The file, for a message that shows the line. */
    readonly file: string
    readonly lines: readonly string[]
}

export function sourceOf(path: string, text: string, file = path): Source {
    return { path, file, lines: text.split("\n") }
}

/** An error that names its line: `path:line: what`. Vitest shows the line of the script beside it. */
export class ScriptError extends Error {
    constructor(
        readonly source: Source,
        readonly line: number,
        readonly what: string
    ) {
        super(`${source.path}:${line}: ${what}`)
        this.name = "ScriptError"
        // the script is where to look, not the runner
        this.stack = `${this.name}: ${this.message}\n    at ${source.file}:${line}:1`
    }
}

/** The script makes no sense: it was not run, or not on from there. */
export class ScriptMistake extends ScriptError {
    constructor(source: Source, line: number, what: string) {
        super(source, line, `${what}\n${shown(source, line, line)}`)
    }
}

/** What did not come as a line of the script says. */
export interface Difference {
    /** The lines of the event. */
    line: number
    endLine: number
    expected: string
    got: string
    /** Seconds, in words. */
    when?: string | undefined
    /** Fields that are not as expected. */
    differs?: readonly string[]
    /** All other packets that no line has expected so far. */
    also?: readonly string[]
}

/** The stack did not do as the script says. */
export class ScriptFailure extends ScriptError {
    constructor(
        source: Source,
        readonly difference: Difference
    ) {
        super(source, difference.line, inWords(source, difference))
    }
}

function inWords(source: Source, d: Difference): string {
    const rows: [string, string][] = [["got", d.got]]
    if (d.differs !== undefined && d.differs.length > 0) rows.push(["differs", d.differs.join("; ")])
    if (d.when !== undefined) rows.push(["when", d.when])
    for (const other of d.also ?? []) rows.push(["also", other])
    const told = rows.map(([name, text]) => `${`${name}:`.padEnd(10)}${text}`)
    return [`expected: ${d.expected}`, ...told, shown(source, d.line, d.endLine)].join("\n")
}

/** The script's lines from `first` to `last`. */
function shown(source: Source, first: number, last: number): string {
    const lines: string[] = []
    for (let line = first; line <= Math.max(first, last); line++) {
        lines.push(`line ${line}: ${(source.lines[line - 1] ?? "").trim()}`)
    }
    return lines.join("\n")
}

/** Microseconds as the script writes them: seconds, at least to the millisecond. */
export function seconds(usecs: number): string {
    const text = (usecs / 1e6).toFixed(6)
    return text.replace(/0{1,3}$/, "")
}
