// Uses all that the language has and prints what comes out: the optimizer must not change a line of it.

import { Buffer, sleep } from "@devicescript/core"

let order = ""
function note(text: string): string {
    order = `${order}${text} `
    return text
}
function tell(name: string, value: unknown): void {
    console.log(`${name}: ${value} [${order}]`)
    order = ""
}

// closures
function counterFrom(start: number): { add: (n: number) => number; get: () => number } {
    let value = start
    return {
        add: n => {
            value += n
            return value
        },
        get: () => value,
    }
}
function nested(a: number): () => () => number {
    let b = a + 1
    return () => {
        let c = b + 1
        return () => {
            b += 10
            c += 100
            return a + b + c
        }
    }
}
function closures(): void {
    const one = counterFrom(1)
    const two = counterFrom(10)
    one.add(2)
    two.add(5)
    tell("counters", `${one.get()} ${two.get()}`)
    const inner = nested(1)()
    tell("nested", `${inner()} ${inner()}`)
    const functions: (() => number)[] = []
    ;[1, 2, 3].forEach(n => {
        functions.push(() => n * n)
    })
    tell("kept", functions.map(f => f()).join())
}

// try, catch, finally
function returnsThroughFinally(value: number): number {
    let kept = value
    try {
        kept += 1
        return kept
    } finally {
        kept += 100
        note(`finally ${kept}`)
    }
}
function breaksThroughFinally(): string {
    let text = ""
    for (let i = 0; i < 5; i++) {
        try {
            if (i === 1) continue
            if (i === 3) break
            text += i
        } finally {
            text += "f"
        }
    }
    return text
}
function rethrows(how: string): string {
    try {
        try {
            note("in")
            if (how === "range") throw new RangeError("r")
            if (how === "type") throw new TypeError("t")
        } catch (e: unknown) {
            note("caught")
            if ((e as Error).name === "TypeError") throw e
            return "range"
        } finally {
            note("finally")
        }
    } catch (e: unknown) {
        return `outer ${(e as Error).message}`
    }
    return "none"
}
function undefinedField(what: { x: number } | undefined): string {
    const before = note("before")
    try {
        const x = (what as { x: number }).x
        note("after")
        return `${before} ${x}`
    } catch (e: unknown) {
        return (e as Error).name
    }
}
function handled(): void {
    tell("through finally", returnsThroughFinally(1))
    tell("break", breaksThroughFinally())
    tell("range", rethrows("range"))
    tell("type", rethrows("type"))
    tell("none", rethrows("none"))
    tell("field", undefinedField({ x: 1 }))
    tell("no field", undefinedField(undefined))
    const short = Buffer.alloc(2)
    let at = 0
    try {
        for (; at < 5; at++) short.setAt(at, "u16", at)
    } catch (e: unknown) {
        tell("store", `${(e as Error).name} ${at}`)
    }
}

// classes
class Shape {
    sides = 0
    constructor(readonly name: string) {
        note(`new ${name}`)
    }
    area(): number {
        return 0
    }
    describe(): string {
        return `${this.name} ${this.sides} ${this.area()}`
    }
}
class Square extends Shape {
    constructor(private readonly side: number) {
        super("square")
        this.sides = 4
    }
    override area(): number {
        return this.side * this.side
    }
    override describe(): string {
        return `a ${this.name} of ${this.area()}`
    }
}
function classes(): void {
    const shapes: Shape[] = [new Shape("shape"), new Square(3)]
    tell("shapes", shapes.map(shape => shape.describe()).join())
    tell("instances", `${shapes[1] instanceof Shape} ${shapes[0] instanceof Square}`)
    const method = shapes[1].area
    tell("bound", method())
}

// conditions
interface Deep {
    a?: { b?: { c: number } }
}
function chains(value: Deep | undefined): string {
    const first = value?.a
    const second = first?.b
    return `${second?.c} ${first === undefined}`
}
function truths(a: unknown, b: unknown, c: unknown): string {
    const both = a && b
    const either = a || b
    const mixed = (a && !b) || (c && b)
    let text = `${both} ${either} ${!!mixed}`
    if (a && (b || c)) text += " 1"
    if (!(a || b) && !c) text += " 2"
    if (a ? b : c) text += " 3"
    return text
}
function choose(n: number | string): string {
    switch (n) {
        case 0:
            return "zero"
        case 1:
        case 2:
            note("few")
            break
        case "text":
            return "text"
        default:
            return "other"
    }
    return "some"
}
function conditions(): void {
    tell("chains", `${chains(undefined)}, ${chains({ a: {} })}, ${chains({ a: { b: { c: 1 } } })}`)
    const values = [0, 1, "", "s", 0.5, -0.5, undefined]
    for (const a of values) for (const b of values) tell("truths", `${truths(a, b, 1)} ${truths(a, 0, b)}`)
    tell("switch", `${choose(0)} ${choose(1)} ${choose(2)} ${choose(3)} ${choose("text")}`)
}

// arguments
function optional(a: number, b?: number, c = 7): string {
    return `${a} ${b} ${c}`
}
function rest(first: number, ...more: number[]): string {
    return `${first} ${more.length} ${more.join("+")}`
}
function depth(n: number): number {
    return n === 0 ? 0 : 1 + depth(n - 1)
}
function swap(a: number, b: number): string {
    const t = a
    a = b
    b = t
    return `${a} ${b}`
}
function argumentsOf(): void {
    tell("optional", `${optional(1)}, ${optional(1, 2)}, ${optional(1, 2, 3)}`)
    tell("rest", `${rest(1)}, ${rest(1, 2)}, ${rest(1, 2, 3, 4)}, ${rest(1, ...[5, 6])}`)
    tell("depth", depth(20))
    tell("swap", swap(1, 2))
}

// numbers, strings, buffers
function numbers(): void {
    for (const x of [0, -1, 1.5, 2147483647, -2147483648, 4294967295, 1e20] as number[]) {
        tell("number", `${x + 1} ${x - 1} ${x * 2} ${x / 2}`)
        tell("integer", `${x | 0} ${x >>> 0} ${-x} ${x < 1} ${!x}`)
    }
    tell("folded", `${2147483647 + 1} ${-(-2147483648)} ${1 << 31} ${-1 >>> 0}`)
    tell("more", `${5 / 2} ${0 / -5} ${7 & 3} ${~5}`)
    const text = "grüße"
    tell("text", `${text.length} ${text[2]} ${text + 1 + 2} ${1 + 2 + text} ${text === "grüße"}`)
    const bytes = Buffer.alloc(8)
    bytes.setAt(0, "u32", 0xdead_beef)
    bytes.setAt(4 + 0, "i16", -2)
    tell(
        "bytes",
        `${bytes.toString("hex")} ${bytes.getAt(0, "u32")} ${bytes.getAt(4, "i16")} ${bytes.getAt(9, "u8")}`
    )
}

// fibers
let running = 0
async function worker(name: string, turns: number): Promise<void> {
    running++
    for (let i = 0; i < turns; i++) {
        note(`${name}${i}`)
        await sleep(10)
    }
    running--
}
async function fibers(): Promise<void> {
    worker.start("a", 3)
    worker.start("b", 2)
    while (running > 0 || order === "") await sleep(5)
    tell("fibers", running)
    const kept = note("kept")
    await sleep(1)
    tell("slept", kept)
}

closures()
handled()
classes()
conditions()
argumentsOf()
numbers()
await fibers()
console.log("the end")
