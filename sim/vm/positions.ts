// From a place in the bytecode to a place in the sources, by the debug information that a build leaves.

import { type Place, PlaceMap, type PlaceTables } from "../optimizer/places"

/** What is used of bytecode-dbg.json. */
export interface DebugInfo extends PlaceTables {
    functions: { name: string; startpc: number }[]
    /** Positions count through all the files, one after the other. */
    sources: { path: string; length: number; text: string }[]
}

/** A call that an exception has come through. */
export interface Frame {
    /** Of the function that the call stands in. */
    name: string
    /** `file:line:column`, or what is known without debug information. */
    place: string
}

export class Positions {
    private readonly places: PlaceMap

    constructor(private readonly info: DebugInfo) {
        this.places = new PlaceMap(info)
    }

    /**
     * Where the call at `pc` (as the VM prints it: bytes into the function, one past the call) stands in the sources. More
     * than one place when the function that it stood in has become part of another: that one's call comes next.
     */
    find(name: string, functionIndex: number, pc: number): Frame[] {
        const start = this.info.functions[functionIndex]?.startpc
        const place = start === undefined ? undefined : this.places.at(start + Math.max(0, pc - 1))
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
