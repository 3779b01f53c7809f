// What the sources of the library say of errors, by their syntax trees: each code with its sentence, and each `throw`.

import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import ts from "typescript"
import { ROOT } from "../../sim/build/build"

/** An error of the sources. A value that is filled in is `…` in its sentence. */
export interface SourceError {
    readonly code: string
    readonly sentence: string
    readonly file: string
}

/** The rooms that throw errors at programs. */
const ROOMS = ["base", "wire", "tcp", "net", "mac", "socket", "http", "inspect"]

const ERROR = /(?:^|: )(E[A-Z_]{2,}), (.+)$/

/** Returns the text of a literal, with `…` for each value that is filled in; undefined for another expression. */
function textOf(node: ts.Node): string | undefined {
    if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) return node.text
    if (!ts.isTemplateExpression(node)) return undefined
    return node.head.text + node.templateSpans.map(span => `…${span.literal.text}`).join("")
}

function filesOf(room: string): ts.SourceFile[] {
    return readdirSync(join(ROOT, "src", room)).map(name => {
        const path = `src/${room}/${name}`
        return ts.createSourceFile(path, readFileSync(join(ROOT, path), "utf8"), ts.ScriptTarget.ES2022, true)
    })
}

/** Calls `visit` for each node of the rooms' sources. */
function walk(visit: (node: ts.Node, file: string) => void): void {
    for (const file of ROOMS.flatMap(filesOf)) {
        const down = (node: ts.Node): void => {
            visit(node, file.fileName)
            ts.forEachChild(node, down)
        }
        down(file)
    }
}

/** Returns all errors of the sources: codes with sentences, and the settings that are refused, which startNetwork throws as EINVAL. */
export function sourceErrors(): SourceError[] {
    const found: SourceError[] = []
    walk((node, file) => {
        const text = textOf(node)
        // a list of sentences has a bar before each
        for (const one of (text ?? "").split("|")) {
            const [, code, sentence] = ERROR.exec(one) ?? []
            if (code !== undefined && sentence !== undefined && !/^(\S+: )?…$/.test(sentence))
                found.push({ code, sentence, file })
        }
        if (!ts.isNewExpression(node) || !/^(Range)?Error$/.test(node.expression.getText())) return
        for (const literal of literalsIn(node.arguments?.[0])) {
            if (!ERROR.test(literal) && !/^\S+: …$/.test(literal))
                found.push({ code: "EINVAL", sentence: literal, file })
        }
    })
    return found
}

/** Returns the literals that an argument can be. */
function literalsIn(node: ts.Node | undefined): string[] {
    if (node === undefined) return []
    if (ts.isConditionalExpression(node)) return [...literalsIn(node.whenTrue), ...literalsIn(node.whenFalse)]
    const text = textOf(node)
    return text === undefined ? [] : [text]
}

/** Returns the `throw` statements whose error is made there and has no code, as "FILE: STATEMENT". */
export function untypedThrows(): string[] {
    const found: string[] = []
    walk((node, file) => {
        if (!ts.isThrowStatement(node)) return
        const thrown = node.expression.getText()
        if (
            /^(netError|withCode|this\.error|this\.failure|socket\.lastError \|\| netError)\(|^error$/.test(
                thrown
            )
        )
            return
        found.push(`${file}: ${thrown.replace(/\s+/g, " ")}`)
    })
    return found
}
