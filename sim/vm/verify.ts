// The VM's own verifier: the judge of what it takes.

import { createModule } from "./module"

/** Why the VM does not take an image, undefined when it does. */
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
        return "it fell over it"
    }
}
