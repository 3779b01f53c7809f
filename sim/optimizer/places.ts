// Reads and writes the tables of the debug information that say from which place in the sources an operation comes.

/** A range of the sources; positions count through all files, one after the other. */
export interface Place {
    readonly position: number
    readonly length: number
    /** The function that contains the place, if that has been inlined. */
    readonly within?: Within
}

/** A function that has been inlined. */
interface Within {
    /** The function's name. */
    readonly name: string
    /** The place of the call. */
    readonly place: Place | undefined
}

/** A function that has been inlined, in the tables. */
interface Inlined {
    name: string
    /** Position and length of the call. */
    position: number
    length: number
    /** Number of the inlined function that contains the call; -1 = none. */
    within: number
}

/** The tables of the debug information. */
export interface PlaceTables {
    /** Triples of position, length and image offset. The position and the offset are differences. */
    srcmap: number[]
    inlined?: Inlined[]
    /** Pairs of image offset, as a difference, and the number in `inlined` that applies from there on; -1 = none. */
    inlinedmap?: number[]
}

/** The places by offset in the image. */
export class PlaceMap {
    private readonly starts: number[] = []
    private readonly places: Place[] = []
    private readonly inlineStarts: number[] = []
    private readonly inlines: number[] = []
    private readonly withins: Within[] = []
    private readonly joined = new Map<Place, Map<number, Place>>()

    constructor({ srcmap, inlined = [], inlinedmap = [] }: PlaceTables) {
        let position = 0
        let start = 0
        for (let n = 0; n + 2 < srcmap.length; n += 3) {
            position += srcmap[n]
            start += srcmap[n + 2]
            this.starts.push(start)
            this.places.push({ position, length: srcmap[n + 1] })
        }
        start = 0
        for (let n = 0; n + 1 < inlinedmap.length; n += 2) {
            start += inlinedmap[n]
            this.inlineStarts.push(start)
            this.inlines.push(inlinedmap[n + 1])
        }
        for (const { name, within, ...place } of inlined)
            this.withins.push({
                name,
                place: within < 0 ? place : { ...place, within: this.withins[within] },
            })
    }

    /** Returns the place of the byte at `offset` in the image; undefined before the first place. */
    at(offset: number): Place | undefined {
        const place: Place | undefined = this.places[lastAtMost(this.starts, offset)]
        const within = this.inlines[lastAtMost(this.inlineStarts, offset)] ?? -1
        if (place === undefined || within < 0) return place
        let known = this.joined.get(place)
        if (known === undefined) {
            known = new Map()
            this.joined.set(place, known)
        }
        let joined = known.get(within)
        if (joined === undefined) {
            joined = { ...place, within: this.withins[within] }
            known.set(within, joined)
        }
        return joined
    }
}

/** Returns the index of the last value that is not above `limit`, -1 when all are above it. */
export function lastAtMost(values: readonly number[], limit: number): number {
    let low = 0
    let high = values.length
    while (low < high) {
        const middle = (low + high) >> 1
        if (values[middle] <= limit) low = middle + 1
        else high = middle
    }
    return low - 1
}

/** Writes the tables; the caller adds the places by ascending offset. */
export class PlaceWriter {
    readonly tables: Required<PlaceTables> = { srcmap: [], inlined: [], inlinedmap: [] }
    private position = 0
    private offset = 0
    private last: Place | undefined
    private inlineOffset = 0
    private inline = -1
    private readonly numbers = new Map<string, number>()
    private readonly known = new Map<Within, number>()

    /** Adds the place of an operation; an operation without a place belongs to the one before it. */
    add(offset: number, place: Place | undefined): void {
        if (place === undefined) return
        if (place.position !== this.last?.position || place.length !== this.last.length) {
            this.tables.srcmap.push(place.position - this.position, place.length, offset - this.offset)
            this.position = place.position
            this.offset = offset
            this.last = place
        }
        const inline = this.numberOf(place.within)
        if (inline === this.inline) return
        this.tables.inlinedmap.push(offset - this.inlineOffset, inline)
        this.inlineOffset = offset
        this.inline = inline
    }

    private numberOf(within: Within | undefined): number {
        if (within === undefined) return -1
        const known = this.known.get(within)
        if (known !== undefined) return known
        const { name, place } = within
        const { position, length } = place ?? { position: 0, length: 0 }
        const entry: Inlined = { name, position, length, within: this.numberOf(place?.within) }
        const key = JSON.stringify(entry)
        let number = this.numbers.get(key)
        if (number === undefined) {
            number = this.tables.inlined.length
            this.tables.inlined.push(entry)
            this.numbers.set(key, number)
        }
        this.known.set(within, number)
        return number
    }
}
