// Tells when the cable of a chip is plugged in or out, by a fault or by a command.

import type { SpiChip } from "./chip"

/** Calls `tell` whenever the cable of a chip is plugged in or out. */
export function watchCable(chip: SpiChip, tell: (plugged: boolean) => void): void {
    const setLink = chip.setLink.bind(chip)
    chip.setLink = plugged => {
        tell(plugged)
        setLink(plugged)
    }
}
