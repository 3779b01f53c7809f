// Measures how much of the VM's heap a program uses. This file reads the blocks of the heap in the VM's memory: each begins with
// a word that holds the block's tag and its size in words.

import type { Clock } from "../time/clock"
import type { VmModule } from "./module"

/** Sizes in bytes, block headers included. */
export interface Heap {
    /** Bytes of all blocks. */
    size: number
    /** Bytes of the blocks that are not free. Some may be garbage that the VM has not collected yet. */
    used: number
    /** Bytes of the free blocks. */
    free: number
    /** Bytes of the largest free block. */
    largest: number
}

/** Offsets in the allocator's record, in words: first free block, first chunk, allocations, threshold, allocated, context. */
const Record = { FirstChunk: 1, Allocations: 2, Size: 6 } as const
/** Offsets in a chunk of the heap, in words: the next chunk, the chunk's last block, its blocks. */
const Chunk = { End: 1, Blocks: 2 } as const
const HEAP_BYTES = 64 * 1024
/** The longest wait for an allocation, ms. */
const PATIENCE = 10_000
const TAG = 24
const SIZE_MASK = 0xff_ffff
const FREE = 1
const FINAL = 0x4f

/** Returns the current heap. Throws while the VM runs no program. */
export function readHeap(vm: VmModule): Heap {
    const words = vm.HEAPU32
    const chunk = findRecord(words) + Record.Size
    const end = words[chunk + Chunk.End] >> 2
    const heap: Heap = { size: 0, used: 0, free: 0, largest: 0 }
    for (let at = chunk + Chunk.Blocks; at < end; ) {
        const header = words[at]
        const length = header & SIZE_MASK
        if (length === 0)
            throw new Error("the VM's heap has an unknown layout; the VM may be another version")
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
 * Returns what the program still uses of the heap. Runs the clock until the VM has made its next allocations, each after a
 * collection of all garbage, and then reads the heap. So `used` is what the program could reach at the last allocation, including
 * the frames of the functions that ran, and that allocation. A program behind the pipe allocates at the latest when it asks for a
 * command. Throws when the program allocates nothing within 10 s.
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
        throw new Error(
            `the program allocated nothing within ${PATIENCE} ms, so its garbage was not collected`
        )
    return readHeap(vm)
}

/** Returns the index of the allocator's record in the words of the VM's memory: the one chunk that it points to follows it. */
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
