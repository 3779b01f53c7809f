// The place of a parser in a script's tokens, and its message when they are not what the grammar wants.

import { ScriptMistake, type Source } from "./failure"
import { type Token, type TokenKind, tokensOf } from "./lexer"

/** Words of the language itself, which --define cannot give another meaning. */
const KEYWORDS = new Set(
    (
        "sa_family sin_port sin_addr msg_name msg_iov msg_flags msg_control fd events revents onoff linger htons " +
        "ipv4 ipv6 icmp udp gre mpls ack eol ecr mss mtu nop sack sackOK TS val win urg wscale ect01 ect0 ect1 " +
        "noecn ce tos ttl id inet_addr"
    ).split(" ")
)

export class Cursor {
    private readonly tokens: readonly Token[]
    private at = 0
    /** Meanings that --define gave to words. */
    private readonly meanings = new Map<string, Token>()

    constructor(readonly source: Source) {
        this.tokens = tokensOf(source)
    }

    /** The token that comes next, or one of those after it. */
    peek(ahead = 0): Token {
        const token = this.tokens[Math.min(this.at + ahead, this.tokens.length - 1)]!
        if (token.kind !== "word" || KEYWORDS.has(token.text)) return token
        const meaning = this.meanings.get(token.text)
        return meaning === undefined
            ? token
            : { ...meaning, line: token.line, endLine: token.endLine, joined: token.joined }
    }

    next(): Token {
        const token = this.peek()
        if (this.at < this.tokens.length - 1) this.at++
        return token
    }

    /** The last token that was taken. */
    get last(): Token {
        return this.tokens[Math.max(0, this.at - 1)]!
    }

    /** What was written from the token number `mark` on, in one line. */
    textSince(mark: number): string {
        const words = this.tokens.slice(mark, this.at).map((token, i) => {
            const space = token.joined || i === 0 ? "" : " "
            return space + written(token)
        })
        return words.join("")
    }

    get mark(): number {
        return this.at
    }

    is(kind: TokenKind, text?: string): boolean {
        const token = this.peek()
        return token.kind === kind && (text === undefined || token.text === text)
    }

    sign(text: string): boolean {
        return this.is("sign", text)
    }

    /** Takes the sign or word if it comes next. */
    takes(text: string): boolean {
        const { kind, text: next } = this.peek()
        if ((kind !== "sign" && kind !== "word") || next !== text) return false
        this.next()
        return true
    }

    /** Takes the sign or word, which has to come next. */
    needs(text: string): void {
        if (!this.takes(text)) this.fail(`"${text}" is missing before ${this.shown()}`)
    }

    /** Takes a token of this kind, which has to come next; `what` says what is expected. */
    need(kind: TokenKind, what: string): Token {
        if (!this.is(kind)) this.fail(`${what} is missing before ${this.shown()}`)
        return this.next()
    }

    /** Takes a number from `low` to `high`. */
    number(what: string, low: number, high: number): number {
        const token = this.peek()
        const value = numberOf(token)
        if (value === undefined) this.fail(`${what} is missing before ${this.shown()}`)
        if (value < low || value > high)
            this.fail(`${what} is out of range: ${token.text} (${low} to ${high})`)
        this.next()
        return value
    }

    /** Gives `word` a meaning from here on: a number, a word, "a string" or `commands`. */
    define(word: string, meaning: string): void {
        const { line, endLine } = this.last
        const [token] = tokensOf({ ...this.source, lines: [meaning] })
        this.meanings.set(word, { ...token!, line, endLine })
    }

    /** What comes next, as a message says it. */
    shown(): string {
        const token = this.peek()
        return token.kind === "end" ? "the end of the script" : `"${written(token)}"`
    }

    fail(what: string, line = this.peek().line): never {
        throw new ScriptMistake(this.source, line, what)
    }
}

/** The value of a number's token, undefined for others. */
export function numberOf(token: Token): number | undefined {
    if (token.kind === "integer") return Number(token.text)
    if (token.kind === "hex") return Number.parseInt(token.text, 16)
    return undefined
}

function written(token: Token): string {
    switch (token.kind) {
        case "string":
            return `"${token.text}"`
        case "command":
            return `\`${token.text}\``
        case "code":
            return `%{${token.text}}%`
        default:
            return token.text
    }
}
