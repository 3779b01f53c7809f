// The report of the optimizer: sizes in bytes, before and after.

/** Sizes of a program. */
interface Sizes {
    /** The bytes that the VM's limit counts: header, function descriptors and padded code. */
    code: number
    /** The bytes of the whole image. */
    image: number
    functions: number
}

export interface PassReport {
    name: string
    /** The bytes of `code` that the pass saved in all rounds. */
    saved: number
}

export interface FunctionReport {
    name: string
    /** The source file of the function; empty without debug information. */
    file: string
    /** The size with descriptor and padding, before. */
    before: number
    /** The size after; 0 when the function was dropped or inlined. */
    after: number
}

export interface Report {
    before: Sizes
    after: Sizes
    /** The passes in the order in which they run. */
    passes: PassReport[]
    /** The functions of the original image, in its order. */
    functions: FunctionReport[]
    /** The bytes of code above the VM's limit, 0 when the VM accepts the image. */
    over: number
}
