// Verifies an image with the VM's own verifier.

import { createModule } from "./module"

/** Returns why the VM rejects an image; undefined when it accepts the image. */
export function verifyByVm(image: Uint8Array): string | undefined {
    const lines: string[] = []
    const module = createModule({
        now: () => 0,
        setTimeout: () => ({}),
        clearTimeout: () => {},
        randomBytes: size => new Uint8Array(size),
    })
    module.dmesg = line => lines.push(line)
    try {
        const error = module.devsVerify(image)
        if (error === 0) return undefined
        return lines.at(-1)?.replace(/^\W*/, "") ?? `error ${error}`
    } catch {
        return "the VM crashed while reading the image"
    }
}
