// Finds the place in the sources for a place in the bytecode, using the debug information of a build.

import { type Place, PlaceMap, type PlaceTables } from "../optimizer/places"

/** The parts of bytecode-dbg.json that are used here. */
export interface DebugInfo extends PlaceTables {
    functions: { name: string; startpc: number }[]
    /** The source files. A position counts through all of them, one after the other. */
    sources: { path: string; length: number; text: string }[]
}

/** One call in the stack of an exception. */
interface Frame {
    /** Name of the function that contains the call. */
    name: string
    /** `file:line:column`; without debug information the place in the bytecode. */
    place: string
}

export class Positions {
    private readonly places: PlaceMap

    constructor(private readonly info: DebugInfo) {
        this.places = new PlaceMap(info)
    }

    /**
     * Returns where the operation that contains byte `pc` of the function is in the sources. If the optimizer has inlined the
     * function that contains it, the call of that function comes next.
     */
    find(name: string, functionIndex: number, pc: number): Frame[] {
        const start = this.info.functions[functionIndex]?.startpc
        const place = start === undefined ? undefined : this.places.at(start + Math.max(0, pc))
        if (place === undefined) return [{ name, place: `function ${functionIndex}, pc ${pc}` }]
        const frames: Frame[] = []
        let at: Place | undefined = place
        for (; at?.within !== undefined; at = at.within.place)
            frames.push({ name: at.within.name, place: this.place(at.position) })
        frames.push({ name, place: at === undefined ? `function ${functionIndex}` : this.place(at.position) })
        return frames
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
