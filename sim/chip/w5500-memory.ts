const SIZE = 0x4000

/** Sizes in KB that a socket's block of memory can have. */
const SIZES = new Set([1, 2, 4, 8, 16])

/**
 * One of the W5500's two 16 KB memories. Each socket has a block of it, in order of the sockets; a 16-bit address
 * wraps within the block (data sheet, 3.3).
 */
export class SocketMemory {
    private readonly bytes = new Uint8Array(SIZE)

    /** @param kiloBytes what a socket's size register says */
    constructor(private readonly kiloBytes: (socket: number) => number) {}

    /** Size of a socket's block in bytes; none for a number that is not a size. */
    size(socket: number): number {
        const size = this.kiloBytes(socket)
        return SIZES.has(size) ? size * 1024 : 0
    }

    /** What was there is gone. */
    clear(): void {
        this.bytes.fill(0)
    }

    /** Fills `bytes` from an address on. */
    read(socket: number, address: number, bytes: Uint8Array): void {
        if (this.size(socket) === 0) bytes.fill(0)
        for (const [at, from, length] of this.pieces(socket, address, bytes.length))
            bytes.set(this.bytes.subarray(at, at + length), from)
    }

    write(socket: number, address: number, bytes: Uint8Array): void {
        for (const [at, from, length] of this.pieces(socket, address, bytes.length))
            this.bytes.set(bytes.subarray(from, from + length), at)
    }

    /** Where the bytes of a stretch of addresses are, each piece as [place in memory, offset in the stretch, length]. */
    private *pieces(socket: number, address: number, length: number): Generator<[number, number, number]> {
        const size = this.size(socket)
        if (size === 0) return
        const base = this.base(socket)
        let done = 0
        while (done < length) {
            const offset = (address + done) & (size - 1)
            const at = (base + offset) & (SIZE - 1)
            const piece = Math.min(length - done, size - offset, SIZE - at)
            yield [at, done, piece]
            done += piece
        }
    }

    /** Blocks whose sum exceeds the memory run into each other: the data sheet warns of it. */
    private base(socket: number): number {
        let base = 0
        for (let before = 0; before < socket; before++) base += this.size(before)
        return base
    }
}
