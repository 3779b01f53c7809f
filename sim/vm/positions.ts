// From a place in the bytecode to a place in the sources, by the debug information that a build leaves.

/** What is used of bytecode-dbg.json. */
export interface DebugInfo {
    functions: { name: string; startpc: number }[]
    /** Triples: position and pc as differences to the triple before, and the length of the source text between them. */
    srcmap: number[]
    /** Positions count through all the files, one after the other. */
    sources: { path: string; length: number; text: string }[]
}

export class Positions {
    private readonly pcs: number[] = []
    private readonly starts: number[] = []

    constructor(private readonly info: DebugInfo) {
        let position = 0
        let pc = 0
        for (let i = 0; i + 2 < info.srcmap.length; i += 3) {
            position += info.srcmap[i]
            pc += info.srcmap[i + 2]
            this.starts.push(position)
            this.pcs.push(pc)
        }
    }

    /**
     * Where the call at `pc` (as the VM prints it: bytes into the function, one past the call) stands in the
     * sources, as `file:line:column`.
     */
    find(functionIndex: number, pc: number): string {
        const start = this.info.functions[functionIndex]?.startpc
        if (start === undefined || this.pcs.length === 0) return `function ${functionIndex}, pc ${pc}`
        return this.place(this.starts[lastAtMost(this.pcs, start + Math.max(0, pc - 1))])
    }

    private place(position: number): string {
        let offset = position
        for (const source of this.info.sources) {
            if (offset < source.length) {
                const before = source.text.slice(0, offset)
                const line = before.split("\n").length
                return `${source.path}:${line}:${offset - before.lastIndexOf("\n")}`
            }
            offset -= source.length
        }
        return `position ${position}`
    }
}

/** Index of the last value that is not greater, at least 0. */
export function lastAtMost(values: readonly number[], limit: number): number {
    let low = 0
    let high = values.length - 1
    while (low < high) {
        const middle = (low + high + 1) >> 1
        if (values[middle] <= limit) low = middle
        else high = middle - 1
    }
    return low
}
