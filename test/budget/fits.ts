// Whether a program fits on the VM. What does not yet is skipped there, with a note.

import { behindPipe, compileImage } from "../../sim/build"
import { nameOf } from "../../sim/device"
import { CODE_LIMIT } from "../../sim/optimizer/image"

export async function fitsOnVm(program: string): Promise<boolean> {
    const { code } = await compileImage(behindPipe(program), nameOf(program))
    if (code < CODE_LIMIT) return true
    console.warn(`${program} is ${code - CODE_LIMIT} bytes above the VM's limit: on the VM it is skipped`)
    return false
}
