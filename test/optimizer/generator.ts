// Makes programs of many small functions that use all that the language has, for comparing what they print before and
// after optimizing. Everything is decided by a list of numbers.

/** Functions that each program begins with. */
const PRELUDE = `import { Buffer, sleep } from "@devicescript/core"

let log = ""
let counter = 0
const shared: any = { x: 1, y: "two", deep: { z: 3 } }
const bytes = Buffer.alloc(16)

function trace(what: any): any {
    log = log + what + " "
    return what
}
class Base {
    value: any
    constructor(value: any) {
        this.value = value
    }
    twice(): any {
        return this.value + this.value
    }
    name(): any {
        return "base"
    }
}
class Derived extends Base {
    more: any
    constructor(value: any) {
        super(value)
        this.more = trace(value)
    }
    override name(): any {
        return "derived " + this.twice()
    }
}
function rest(first: any, ...others: any[]): any {
    return first + ":" + others.length + ":" + others.join("-")
}
function recurse(n: any): any {
    return n > 0 ? 1 + recurse(n - 1) : 0
}
async function show(name: string, run: (a: any, b: any, c: any) => Promise<any>, a: any, b: any, c: any) {
    log = ""
    let result: any
    try {
        result = await run(a, b, c)
    } catch (e: any) {
        result = "throws " + e.name + " " + e.message
    }
    console.log(name + " " + result + " | " + log + counter + " " + bytes.toString("hex"))
}
`

const ARGUMENTS = [
    "0",
    "1",
    "-1",
    "7",
    "2.5",
    '"s"',
    "undefined",
    "null",
    "true",
    "2147483647",
    "shared",
    "bytes",
]

/** Writes a function's text. */
class Writer {
    private at = 0
    private locals: string[] = []
    private names = 0
    private depth = 0
    private loops = 0

    constructor(
        private readonly choices: readonly number[],
        private readonly earlier: number
    ) {}

    private pick(limit: number): number {
        const choice = this.choices[this.at % this.choices.length] + Math.floor(this.at / this.choices.length)
        this.at++
        return choice % limit
    }

    private one<T>(...from: T[]): T {
        return from[this.pick(from.length)]
    }

    function(name: string): string {
        this.locals = ["a", "b", "c"]
        const body = this.statements(3 + this.pick(4))
        return `async function ${name}(a: any, b: any, c: any): Promise<any> {\n${body}return ${this.expression(2)}\n}\n`
    }

    private statements(count: number): string {
        const outer = this.locals.length
        let text = ""
        for (let n = 0; n < count; n++) text += `${this.statement()}\n`
        this.locals.length = outer
        return text
    }

    private block(count: number): string {
        this.depth++
        const text = `{\n${this.statements(count)}}`
        this.depth--
        return text
    }

    private loop(count: number): string {
        this.loops++
        const text = this.block(count)
        this.loops--
        return text
    }

    private fresh(): string {
        return `v${this.names++}`
    }

    private statement(): string {
        const kind = this.pick(this.depth > 2 ? 8 : 18)
        switch (kind) {
            case 0:
            case 1: {
                const value = this.expression(2)
                const name = this.fresh()
                this.locals.push(name)
                return `let ${name}: any = ${value}`
            }
            case 2:
            case 3:
                return `${this.local()} = ${this.expression(2)}`
            case 4:
                return `trace(${this.expression(2)})`
            case 5:
                return this.one(
                    `counter = counter + 1`,
                    `counter = ${this.number()}`,
                    `shared.x = ${this.expression(1)}`,
                    `bytes.setAt(${this.pick(18)}, ${this.format()}, ${this.number()})`,
                    `bytes[${this.pick(16)}] = ${this.number()}`
                )
            case 6:
                return `${this.local()} = ${this.call()}`
            case 7:
                return this.one(
                    `${this.local()} += ${this.expression(1)}`,
                    `${this.local()} = ${this.local()}`,
                    `if (${this.condition()}) return ${this.expression(1)}`
                )
            case 8:
            case 9:
                return `if (${this.condition()}) ${this.block(2)} else ${this.block(1)}`
            case 10:
                return `if (${this.condition()}) ${this.block(2)}`
            case 11: {
                const name = this.fresh()
                return `for (let ${name} = 0; ${name} < ${1 + this.pick(3)}; ${name}++) ${this.loop(2)}`
            }
            case 12: {
                const name = this.fresh()
                const turns = 1 + this.pick(3)
                const leave = `if (${this.condition()}) ${this.one("break", "continue")}`
                return `let ${name} = ${turns}\nwhile (${name} > 0) {\n${name}--\n${leave}\n${this.loop(2)}}`
            }
            case 13:
                return `try ${this.block(2)} catch (e: any) {\ntrace(e.name)\n${this.statements(1)}}`
            case 14:
                return `try ${this.block(2)} finally ${this.block(1)}`
            case 15:
                return `switch (${this.expression(1)} as any) {\ncase 0:\n${this.statements(1)}break\ncase 1:\n${this.statements(1)}break\ncase "s":\n${this.statements(1)}break\ndefault:\n${this.statements(1)}}`
            case 16:
                return `if (${this.condition()}) throw new ${this.one("Error", "RangeError", "TypeError")}("on purpose")`
            default: {
                // the compiler takes no closures over variables of a loop
                if (this.loops > 0) return `trace(${this.expression(2)})`
                const [name, kept] = [this.fresh(), this.fresh()]
                return `let ${kept}: any = ${this.expression(1)}\nconst ${name} = (n: any) => {\n${kept} = ${kept} + n\nreturn trace(${kept})\n}\n${this.local()} = ${name}(${this.expression(1)})\ntrace(${kept})`
            }
        }
    }

    private local(): string {
        return this.locals[this.pick(this.locals.length)]
    }

    private number(): string {
        const value = this.one("0", "1", "-1", "3", "200", "70000", "-70000", "2147483647")
        const local = this.local()
        return this.one(`(${value} as any)`, `(${value} as any)`, `(${local} | 0)`, `(${local} & 255)`)
    }

    private format(): string {
        return `"${this.one("u8", "i8", "u16", "i16", "u32", "i32")}"`
    }

    private condition(): string {
        switch (this.pick(9)) {
            case 0:
                return `${this.condition()} && ${this.condition()}`
            case 1:
                return `${this.condition()} || ${this.condition()}`
            case 2:
                return `!(${this.condition()})`
            case 3:
                return `${this.local()} === ${this.expression(1)}`
            case 4:
                return `${this.local()} !== ${this.number()}`
            case 5:
                return `${this.number()} < ${this.local()}`
            case 6:
                return `${this.local()} >= ${this.number()}`
            case 7:
                return `(${this.local()} & ${1 << this.pick(5)}) !== 0`
            default:
                return this.local()
        }
    }

    private call(): string {
        const args = () => `${this.expression(1)}, ${this.expression(1)}, ${this.expression(1)}`
        if (this.earlier > 0 && this.pick(3) > 0) return `await f${this.pick(this.earlier)}(${args()})`
        return this.one(
            `rest(${this.expression(1)}, ${args()})`,
            `recurse(${this.pick(6)})`,
            `new Derived(${this.expression(1)}).name()`,
            `new Base(${this.expression(1)}).twice()`,
            `[${args()}].length`,
            `Math.max(${this.number()}, ${this.number()})`,
            `[1, 2, 3].map(n => trace(n + 1)).join()`
        )
    }

    private expression(depth: number): string {
        if (depth === 0) return this.one(this.local(), this.number(), '("s" as any)', "counter")
        const inner = () => this.expression(depth - 1)
        switch (this.pick(16)) {
            case 0:
                return `(${inner()} + ${inner()})`
            case 1:
                return `(${inner()} - ${this.number()})`
            case 2:
                return `(${this.number()} * ${inner()})`
            case 3:
                return `(${inner()} ${this.one("&", "|", "^", "<<", ">>", ">>>")} ${this.number()})`
            case 4:
                return `((${this.condition()} ? ${inner()} : ${inner()}) as any)`
            case 5:
                return `((${inner()} && ${inner()}) as any)`
            case 6:
                return `((${inner()} || ${inner()}) as any)`
            case 7:
                return this.one(
                    `~${this.local()}`,
                    `-${this.local()}`,
                    `(!${this.local()} as any)`,
                    `(!!${this.local()} as any)`
                )
            case 8:
                return `trace(${inner()})`
            case 9:
                return this.one(
                    "shared.x",
                    "shared.y",
                    "shared?.deep?.z",
                    `${this.local()}?.x`,
                    `${this.local()}?.y`
                )
            case 10:
                return `bytes.getAt(${this.pick(18)}, ${this.format()})`
            case 11:
                return this.one(`bytes[${this.pick(16)}]`, `${this.local()}.length`, `${this.local()}.x`)
            case 12:
                return `((${inner()} === ${inner()}) as any)`
            case 13:
                return `((${inner()} < ${this.number()}) as any)`
            default:
                return this.local()
        }
    }
}

/** A program of one function a list of choices. */
export function program(lists: readonly (readonly number[])[]): string {
    const functions = lists.map((choices, n) => new Writer(choices, Math.min(n, 12)).function(`f${n}`))
    const calls = lists.flatMap((choices, n) =>
        [0, 1, 2].map(round => {
            const argument = (k: number) =>
                ARGUMENTS[(choices[k % choices.length] + round * (k + 3)) % ARGUMENTS.length]
            return `await show("f${n}.${round}", f${n}, ${argument(0)}, ${argument(1)}, ${argument(2)})\nawait sleep(0)`
        })
    )
    const parts: string[] = []
    for (let n = 0; n < calls.length; n += 30)
        parts.push(`async function part${n}() {\n${calls.slice(n, n + 30).join("\n")}\n}\n`)
    const run = parts.map((_, n) => `await part${n * 30}()`)
    return `${PRELUDE}${functions.join("")}${parts.join("")}${run.join("\n")}\nconsole.log("the end")\n`
}
