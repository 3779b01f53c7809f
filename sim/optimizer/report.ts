// What the optimizer did, in bytes.

/** Sizes of a program. */
export interface Sizes {
    /** What the VM's limit counts: header, function descriptors and padded code. */
    code: number
    /** The whole image. */
    image: number
    functions: number
}

export interface PassReport {
    name: string
    /** Bytes of `code` that the pass saved in all its rounds. */
    saved: number
}

export interface FunctionReport {
    name: string
    /** The file that it comes from; empty without debug information. */
    file: string
    /** Bytes with descriptor and padding. */
    before: number
    /** 0 when nothing is left of it, or it has become part of another. */
    after: number
}

export interface Report {
    before: Sizes
    after: Sizes
    /** In the order in which they run. */
    passes: PassReport[]
    /** All that there were, in the order of the unoptimized image. */
    functions: FunctionReport[]
    /** Bytes of code too many for the VM, 0 when it takes the image. */
    over: number
}
