// How much of the VM's heap a program takes. The blocks of the heap are read from the VM's memory: each begins with
// a word that holds its tag and its size in words.

import type { Clock } from "../time/clock"
import type { VmModule } from "./module"

/** Sizes in bytes, block headers included. */
export interface Heap {
    /** All of it: what used and free blocks sum up to. */
    size: number
    /** In blocks that are not free; some may be garbage that has not been collected yet. */
    used: number
    free: number
    /** The largest free block. */
    largest: number
}

/** The allocator's record, in words: first free block, first chunk, allocations, threshold, allocated, context. */
const Record = { FirstChunk: 1, Allocations: 2, Size: 6 } as const
/** A chunk of heap, in words: the next chunk, its last block, its blocks. */
const Chunk = { End: 1, Blocks: 2 } as const
const HEAP_BYTES = 64 * 1024
/** Longest wait for an allocation, ms. */
const PATIENCE = 10_000
const TAG = 24
const SIZE_MASK = 0xff_ffff
const FREE = 1
const FINAL = 0x4f

/** Counts the blocks as they are at this moment. Throws while the VM has no program. */
export function readHeap(vm: VmModule): Heap {
    const words = vm.HEAPU32
    const chunk = findRecord(words) + Record.Size
    const end = words[chunk + Chunk.End] >> 2
    const heap: Heap = { size: 0, used: 0, free: 0, largest: 0 }
    for (let at = chunk + Chunk.Blocks; at < end; ) {
        const header = words[at]
        const length = header & SIZE_MASK
        if (length === 0) throw new Error("the VM's heap does not look as expected: is it another version?")
        const bytes = length * 4
        heap.size += bytes
        if (header >>> TAG === FREE) {
            heap.free += bytes
            heap.largest = Math.max(heap.largest, bytes)
        } else heap.used += bytes
        at += length
    }
    return heap
}

/**
 * What the program still needs of the heap: lets the clock run until the VM has made its next allocations, each
 * with all garbage collected first, and counts the blocks then. So `used` is what could be reached at the last
 * allocation, the frames of the functions then running included, and that allocation. A program behind the host's
 * pipe makes one at the latest when it asks for commands; throws when there is none within 10 s.
 */
export async function liveHeap(vm: VmModule, clock: Clock): Promise<Heap> {
    const made = () => vm.HEAPU32[findRecord(vm.HEAPU32) + Record.Allocations]
    const before = made()
    const collected = () => made() > before + 1
    vm.devsGcStress(true)
    try {
        await clock.runUntil(collected, clock.now() + PATIENCE)
    } finally {
        vm.devsGcStress(false)
    }
    if (!collected())
        throw new Error(`the program allocates nothing within ${PATIENCE} ms: its garbage stays`)
    return readHeap(vm)
}

/** Index of the allocator's record among the words of the VM's memory: it is followed by the one chunk it points to. */
function findRecord(words: Uint32Array): number {
    for (let at = 0; at < words.length - HEAP_BYTES / 4; at++) {
        const chunk = (at + Record.Size) * 4
        if (words[at + Record.FirstChunk] !== chunk) continue
        const end = words[at + Record.Size + Chunk.End]
        if (end !== chunk + HEAP_BYTES - 4) continue
        if (words[end >> 2] >>> TAG === FINAL) return at
    }
    throw new Error("the VM has no heap: it runs no program, or it is another version")
}
