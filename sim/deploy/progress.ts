// Shows the progress of a deployment, one line per step, with a percentage on a terminal.

import type { WriteStream } from "node:tty"

export class Progress {
    private what = ""
    private percent = -1

    constructor(private readonly out: Pick<WriteStream, "write" | "isTTY">) {}

    /** Shows a step, and how much of it is done (0 to 1). */
    show(what: string, part?: number): void {
        if (what !== this.what) {
            this.end()
            this.what = what
            this.percent = -1
            this.out.write(`${what} ...`)
        }
        const percent = part === undefined ? -1 : Math.floor(100 * part)
        if (percent <= this.percent) return
        if (this.out.isTTY) this.out.write(`\r${what} ... ${percent} %`)
        this.percent = percent
    }

    /** Ends the line of the last step. */
    end(): void {
        if (this.what !== "") this.out.write("\n")
        this.what = ""
    }
}
