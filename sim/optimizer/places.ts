// Where in the sources an operation comes from: the triples of the debug information, read and written.

/** A stretch of the sources; positions count through all files, one after the other. */
export interface Place {
    readonly position: number
    readonly length: number
}

/** Places by place in the image: triples of position, length and image offset, the first and last as differences. */
export class PlaceMap {
    private readonly starts: number[] = []
    private readonly places: Place[] = []

    constructor(triples: readonly number[]) {
        let position = 0
        let start = 0
        for (let n = 0; n + 2 < triples.length; n += 3) {
            position += triples[n]
            start += triples[n + 2]
            this.starts.push(start)
            this.places.push({ position, length: triples[n + 1] })
        }
    }

    /** The place of the byte at `offset` in the image; undefined in front of the first. */
    at(offset: number): Place | undefined {
        let low = 0
        let high = this.starts.length
        while (low < high) {
            const middle = (low + high) >> 1
            if (this.starts[middle] <= offset) low = middle + 1
            else high = middle
        }
        return this.places[low - 1]
    }
}

/** Writes triples; places are added by growing offset. */
export class PlaceWriter {
    readonly triples: number[] = []
    private position = 0
    private offset = 0
    private last: Place | undefined

    add(offset: number, place: Place | undefined): void {
        if (place === undefined || same(place, this.last)) return
        this.triples.push(place.position - this.position, place.length, offset - this.offset)
        this.position = place.position
        this.offset = offset
        this.last = place
    }
}

function same(a: Place, b: Place | undefined): boolean {
    return a === b || (a.position === b?.position && a.length === b.length)
}
