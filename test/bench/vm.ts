// What a frame costs the whole device on the VM, by path.

import { measurePaths } from "../costs/paths"
import type { Progress } from "./progress"

/** The paths that are reported, and what each is. */
const PATHS = {
    syn: "SYN (MSS only) -> SYN-ACK",
    synLinux: "SYN with Linux's options -> SYN-ACK",
    established: "ACK -> ESTABLISHED",
    ack: "pure ACK",
    echo22: "22 bytes in -> echo out",
    echo1024: "1,024 bytes in -> echo out",
    arp: "ARP",
    ping: "ping of 56 bytes",
    idle: "idle turn",
} as const

export interface PathCost {
    operations: number
    calls: number
    /** Bytes of the heap that are allocated, those of the calls included. */
    allocated: number
}

export interface VmResult {
    what: string
    name: string
    cost: PathCost & { allocations: number; spiBytes: number }
}

export async function measureVm(progress: Progress): Promise<VmResult[]> {
    progress("counts operations, calls and allocations on the VM")
    const measured = await measurePaths()
    return Object.entries(PATHS).map(([name, what]) => {
        const path = measured.get(name)
        if (path === undefined) throw new Error(`the path "${name}" was not measured`)
        return { what, name, cost: path.cost }
    })
}
