// Code between %{ and }%: the part of Python that scripts use to look at a connection, `assert` and expressions.
//
//     %{ assert tcpi_state == TCP_ESTABLISHED; assert tcpi_snd_cwnd >= 2, tcpi_snd_cwnd }%

/** Values of names; undefined for those that are not known. */
export type Names = (name: string) => Promise<number | undefined>

/** The code cannot be understood; the message says what of it. */
export class BadCode extends Error {}

/** An assertion that does not hold. */
export interface Broken {
    readonly assertion: string
    /** Names in it, and the values they have. */
    readonly values: string
}

type Node =
    | { readonly kind: "number"; readonly value: number }
    | { readonly kind: "name"; readonly name: string }
    | { readonly kind: "unary"; readonly operator: string; readonly of: Node }
    | { readonly kind: "binary"; readonly operator: string; readonly left: Node; readonly right: Node }
    /** `a == b <= c`: all of them. */
    | { readonly kind: "compare"; readonly operators: readonly string[]; readonly terms: readonly Node[] }

/** From the weakest to the strongest; comparisons stand between `not` and these. */
const BINARY: readonly (readonly string[])[] = [["|"], ["&"], ["+", "-"], ["*", "/", "%"]]
const COMPARE = ["==", "!=", "<=", ">=", "<", ">"]

/** Names of the states that tcpi_state is compared with, and bits of tcpi_options, as Linux has them. */
const CONSTANTS: Readonly<Record<string, number>> = {
    True: 1,
    False: 0,
    TCP_ESTABLISHED: 1,
    TCP_SYN_SENT: 2,
    TCP_SYN_RECV: 3,
    TCP_FIN_WAIT1: 4,
    TCP_FIN_WAIT2: 5,
    TCP_TIME_WAIT: 6,
    TCP_CLOSE: 7,
    TCP_CLOSE_WAIT: 8,
    TCP_LAST_ACK: 9,
    TCP_LISTEN: 10,
    TCP_CLOSING: 11,
    TCPI_OPT_TIMESTAMPS: 1,
    TCPI_OPT_SACK: 2,
    TCPI_OPT_WSCALE: 4,
}

/** Runs code and gives the first assertion that does not hold, or undefined. Throws BadCode where it makes no sense. */
export async function runCode(text: string, names: Names): Promise<Broken | undefined> {
    for (const statement of statementsOf(text)) {
        const rest = /^assert\b(.*)$/.exec(statement)?.[1]
        if (rest === undefined) throw new BadCode(`only assert is understood here, not "${statement}"`)
        const reader = new Reader(rest)
        const condition = reader.expression()
        const message = reader.takes(",") ? reader.expression() : undefined
        reader.end()
        const values = new Map<string, number>()
        for (const name of [condition, message].flatMap(node => (node === undefined ? [] : namesIn(node)))) {
            const value = Object.hasOwn(CONSTANTS, name) ? CONSTANTS[name] : await names(name)
            if (value === undefined) throw new BadCode(`${name} is not known here`)
            values.set(name, value)
        }
        if (evaluate(condition, values) !== 0) continue
        const shown = [...values].filter(([name]) => !Object.hasOwn(CONSTANTS, name))
        return {
            assertion: statement,
            values: shown.map(([name, value]) => `${name} is ${value}`).join(", "),
        }
    }
    return undefined
}

function statementsOf(text: string): string[] {
    const lines = text.replace(/\\\n/g, " ").split("\n")
    const statements = lines.flatMap(line => line.replace(/#.*$/, "").split(";"))
    return statements.map(statement => statement.trim()).filter(statement => statement !== "")
}

class Reader {
    private readonly tokens: string[]
    private at = 0

    constructor(private readonly text: string) {
        this.tokens = text.match(/0x[0-9a-fA-F]+|\d+\.\d+|\w+|==|!=|<=|>=|\S/g) ?? []
    }

    takes(token: string): boolean {
        if (this.tokens[this.at] !== token) return false
        this.at++
        return true
    }

    end(): void {
        if (this.at < this.tokens.length) this.fail()
    }

    expression(): Node {
        return this.chain("or", () => this.chain("and", () => this.not()))
    }

    private chain(operator: string, operand: () => Node): Node {
        let left = operand()
        while (this.takes(operator)) left = { kind: "binary", operator, left, right: operand() }
        return left
    }

    private not(): Node {
        return this.takes("not") ? { kind: "unary", operator: "not", of: this.not() } : this.comparison()
    }

    private comparison(): Node {
        const terms = [this.binary(0)]
        const operators: string[] = []
        for (let next = this.tokens[this.at]; COMPARE.includes(next ?? ""); next = this.tokens[this.at]) {
            operators.push(next!)
            this.at++
            terms.push(this.binary(0))
        }
        return operators.length === 0 ? terms[0]! : { kind: "compare", operators, terms }
    }

    private binary(level: number): Node {
        const operators = BINARY[level]
        if (operators === undefined) return this.unary()
        let left = this.binary(level + 1)
        for (let next = this.tokens[this.at]; operators.includes(next ?? ""); next = this.tokens[this.at]) {
            this.at++
            left = { kind: "binary", operator: next!, left, right: this.binary(level + 1) }
        }
        return left
    }

    private unary(): Node {
        if (this.takes("-")) return { kind: "unary", operator: "-", of: this.unary() }
        if (this.takes("(")) {
            const inside = this.expression()
            if (!this.takes(")")) this.fail()
            return inside
        }
        const token = this.tokens[this.at]
        if (token === undefined || !/^[\w.]+$/.test(token)) return this.fail()
        this.at++
        return /^\d/.test(token) ? { kind: "number", value: Number(token) } : { kind: "name", name: token }
    }

    private fail(): never {
        const what = this.tokens[this.at] ?? "the end"
        throw new BadCode(`"${what}" is not understood in "assert${this.text}"`)
    }
}

function namesIn(node: Node): string[] {
    switch (node.kind) {
        case "number":
            return []
        case "name":
            return [node.name]
        case "unary":
            return namesIn(node.of)
        case "binary":
            return [...namesIn(node.left), ...namesIn(node.right)]
        case "compare":
            return node.terms.flatMap(namesIn)
    }
}

/** Truth is 1 or 0. */
function evaluate(node: Node, values: ReadonlyMap<string, number>): number {
    switch (node.kind) {
        case "number":
            return node.value
        case "name":
            return values.get(node.name)!
        case "unary": {
            const value = evaluate(node.of, values)
            return node.operator === "-" ? -value : Number(value === 0)
        }
        case "binary":
            return calculate(node.operator, evaluate(node.left, values), evaluate(node.right, values))
        case "compare": {
            const terms = node.terms.map(term => evaluate(term, values))
            return Number(node.operators.every((operator, i) => holds(operator, terms[i]!, terms[i + 1]!)))
        }
    }
}

function calculate(operator: string, a: number, b: number): number {
    switch (operator) {
        case "+":
            return a + b
        case "-":
            return a - b
        case "*":
            return a * b
        case "/":
            return a / b
        case "%":
            return a % b
        case "&":
            return a & b
        case "|":
            return a | b
        case "and":
            return a === 0 ? a : b
        default:
            return a === 0 ? b : a
    }
}

function holds(operator: string, a: number, b: number): boolean {
    switch (operator) {
        case "==":
            return a === b
        case "!=":
            return a !== b
        case "<":
            return a < b
        case "<=":
            return a <= b
        case ">":
            return a > b
        default:
            return a >= b
    }
}
