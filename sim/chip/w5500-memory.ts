// The memory of the W5500, and the block that each socket has in it.

const SIZE = 0x4000

/** Sizes in KB that a socket's block of memory can have. */
const SIZES = new Set([1, 2, 4, 8, 16])

/**
 * One of the W5500's two memories of 16 KB. Each socket has a block, in the order of the sockets; a 16-bit address wraps
 * within the block (data sheet, 3.3).
 */
export class SocketMemory {
    private readonly bytes = new Uint8Array(SIZE)

    /** Creates a memory; `kiloBytes` reads the size register of a socket. */
    constructor(private readonly kiloBytes: (socket: number) => number) {}

    /** Returns the size of a socket's block in bytes; 0 if the size register has no valid size. */
    size(socket: number): number {
        const size = this.kiloBytes(socket)
        return SIZES.has(size) ? size * 1024 : 0
    }

    /** Fills the memory with zeros. */
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

    /** Returns where a range of addresses is in memory, as pieces [offset in memory, offset in the range, length]. */
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

    /** Returns the start of a socket's block. Blocks that are too large together overlap, of which the data sheet warns. */
    private base(socket: number): number {
        let base = 0
        for (let before = 0; before < socket; before++) base += this.size(before)
        return base
    }
}
