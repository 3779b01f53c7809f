// Arguments and results of system calls: numbers, names of constants, structures.

import type { Cursor } from "./cursor"
import { numberOf } from "./cursor"
import type { Expression } from "./script"
import { constant } from "./symbols"

/** Reads expressions with commas between them up to `close`, which is taken. */
export function parseList(cursor: Cursor, close: string): Expression[] {
    const items: Expression[] = []
    if (cursor.takes(close)) return items
    do items.push(parseExpression(cursor))
    while (cursor.takes(","))
    cursor.needs(close)
    return items
}

export function parseExpression(cursor: Cursor): Expression {
    let left = parseOne(cursor)
    while (cursor.takes("|")) left = { kind: "or", left, right: parseOne(cursor) }
    return left
}

function parseOne(cursor: Cursor): Expression {
    const token = cursor.peek()
    const value = numberOf(token)
    if (value !== undefined) {
        cursor.next()
        return { kind: "integer", value }
    }
    switch (token.kind) {
        case "ellipsis":
            cursor.next()
            return { kind: "ellipsis" }
        case "string":
            return parseString(cursor)
        case "word":
            return parseWord(cursor)
    }
    if (cursor.takes("[")) return { kind: "list", items: parseList(cursor, "]") }
    if (cursor.takes("{")) return { kind: "braces", items: parseList(cursor, "}") }
    return cursor.fail(`an argument is missing before ${cursor.shown()}`)
}

/** Strings one after the other are one; those with `...` behind them are the beginning of one. */
function parseString(cursor: Cursor): Expression {
    let text = ""
    while (cursor.is("string")) text += cursor.next().text
    if (cursor.is("ellipsis")) cursor.next()
    return { kind: "string", text }
}

function parseWord(cursor: Cursor): Expression {
    const name = cursor.next().text
    if (cursor.takes("(")) {
        const applied: Expression = { kind: "apply", name, arguments: parseList(cursor, ")") }
        // msg_name(...)=...
        return cursor.takes("=") ? { kind: "assign", name, value: parseExpression(cursor) } : applied
    }
    if (cursor.takes("=")) return { kind: "assign", name, value: parseExpression(cursor) }
    return { kind: "word", name }
}

/** An expression that cannot be what it has to be; the message says so. */
export class BadExpression extends Error {}

/** The number that an expression stands for. `what` names the argument in the BadExpression that is thrown for others. */
export function numberFor(expression: Expression, what: string): number {
    switch (expression.kind) {
        case "integer":
            return expression.value
        case "word": {
            const value = constant(expression.name)
            if (value === undefined) throw new BadExpression(`${what}: ${expression.name} means nothing here`)
            return value
        }
        case "or":
            return numberFor(expression.left, what) | numberFor(expression.right, what)
        case "list":
            // [4] is where a number is in memory
            if (expression.items.length === 1) return numberFor(expression.items[0]!, what)
            break
        case "apply":
            // ports and addresses are compared as they are written, whatever the order of their bytes
            if (expression.name === "htons" && expression.arguments.length === 1) {
                return numberFor(expression.arguments[0]!, what)
            }
            break
    }
    throw new BadExpression(`${what} has to be a number`)
}

/** A field of a structure `{name=value, ...}`, undefined when it is not there. */
export function fieldOf(expression: Expression, name: string): Expression | undefined {
    if (expression.kind !== "braces") return undefined
    for (const item of expression.items) if (item.kind === "assign" && item.name === name) return item.value
    return undefined
}

/** The lengths of an array of iovec: `[{..., 1000}, {..., 24}]`. */
export function vectorOf(expression: Expression, what: string): number[] {
    if (expression.kind !== "list") throw new BadExpression(`${what} has to be a list such as [{..., 1000}]`)
    return expression.items.map(item => {
        const length = item.kind === "braces" && item.items.length === 2 ? item.items[1] : undefined
        if (length === undefined) throw new BadExpression(`${what} has to be a list such as [{..., 1000}]`)
        return numberFor(length, what)
    })
}
