// The VM's own judgement of an image that is not going to run here.

import { createModule, type VmModule } from "./module"

let vm: VmModule | undefined

/** 0 when a VM would take the image, else the verifier's number. */
export function verifyImage(image: Uint8Array): number {
    vm ??= createModule({
        now: () => 0,
        setTimeout: () => undefined,
        clearTimeout: () => {},
        randomBytes: size => new Uint8Array(size),
    })
    vm.dmesg = () => {}
    return vm.devsVerify(image)
}
