// A script's text in tokens, by the rules of packetdrill's scanner: the longest match wins, comments are those of C++.

import { ScriptMistake, type Source } from "./failure"

export type TokenKind =
    | "integer"
    | "hex"
    | "float"
    | "word"
    | "string"
    | "address"
    /** Text in backticks: commands for a shell. */
    | "command"
    /** Text between %{ and }%: assertions in Python. */
    | "code"
    /** `--name` or `--name=value`, as it stands there. */
    | "option"
    | "ellipsis"
    /** One character that means itself. */
    | "sign"
    | "end"

export interface Token {
    readonly kind: TokenKind
    /** What stands there; of strings, commands and code what is inside. */
    readonly text: string
    /** Line it begins and ends on, from 1. */
    readonly line: number
    readonly endLine: number
    /** Nothing stands between it and the token before. */
    readonly joined: boolean
}

interface Rule {
    readonly kind: TokenKind | "space" | "comment"
    readonly pattern: RegExp
    /** Characters of the delimiters, which are no part of the text. */
    readonly delimiter?: number
}

/** In the order of the original: of two matches of the same length the first counts. */
const RULES: readonly Rule[] = [
    { kind: "space", pattern: /[ \t\r\n]+/y },
    { kind: "comment", pattern: /\/\/[^\n]*/y },
    { kind: "comment", pattern: /\/\*[\s\S]*?\*\//y },
    { kind: "code", pattern: /%\{[\s\S]*?\}%/y, delimiter: 2 },
    { kind: "ellipsis", pattern: /\.\.\./y },
    // values stand behind the name without a space, and have none but in quotes
    { kind: "option", pattern: /--[a-zA-Z0-9_]+(=(?:"(?:\\.|[^"])*"|`(?:\\.|[^`])*`|[^\s"`])*)?/y },
    { kind: "address", pattern: /[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+/y },
    { kind: "float", pattern: /-?[0-9]*\.[0-9]+/y },
    { kind: "integer", pattern: /-?[0-9]+/y },
    { kind: "hex", pattern: /0x[0-9a-fA-F]+/y },
    { kind: "word", pattern: /[a-zA-Z0-9_]+/y },
    { kind: "string", pattern: /"(?:\\.|[^"])*"/y, delimiter: 1 },
    { kind: "command", pattern: /`(?:\\.|[^`])*`/y, delimiter: 1 },
    { kind: "sign", pattern: /[^ \t\r\n]/y },
]

/** Signs that begin something which has an end too; alone they are a mistake that is hard to see. */
const OPEN: Readonly<Record<string, string>> = {
    '"': 'a string has no end: " is missing',
    "`": "commands have no end: ` is missing",
}

/** Takes a script apart. The last token is of kind "end". Throws a ScriptMistake for what never ends. */
export function tokensOf(source: Source): Token[] {
    const text = source.lines.join("\n")
    const tokens: Token[] = []
    let at = 0
    let line = 1
    let joined = false
    while (at < text.length) {
        const { rule, match } = longest(text, at)
        const next = line + newlines(match)
        if (rule.kind !== "space" && rule.kind !== "comment") {
            const problem = rule.kind === "sign" ? unfinished(text, at, match) : undefined
            if (problem !== undefined) throw new ScriptMistake(source, line, problem)
            const cut = rule.delimiter ?? 0
            const inside = match.slice(cut, match.length - cut)
            tokens.push({ kind: rule.kind, text: inside, line, endLine: next, joined })
        }
        joined = rule.kind !== "space" && rule.kind !== "comment"
        line = next
        at += match.length
    }
    tokens.push({ kind: "end", text: "", line, endLine: line, joined: false })
    return tokens
}

function longest(text: string, at: number): { rule: Rule; match: string } {
    let best: { rule: Rule; match: string } | undefined
    for (const rule of RULES) {
        rule.pattern.lastIndex = at
        const match = rule.pattern.exec(text)?.[0] ?? ""
        if (match.length > (best?.match.length ?? 0)) best = { rule, match }
    }
    // the last rule takes any character that the first does not
    return best!
}

function unfinished(text: string, at: number, sign: string): string | undefined {
    if (text.startsWith("/*", at)) return "a comment has no end: */ is missing"
    if (text.startsWith("%{", at)) return "code has no end: }% is missing"
    return OPEN[sign]
}

function newlines(text: string): number {
    let count = 0
    for (const character of text) if (character === "\n") count++
    return count
}
