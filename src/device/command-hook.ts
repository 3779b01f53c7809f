// The entry for command lines from outside the program, which stores its interpreter here.

import type { Print } from "../inspect/text"

export const lines = {
    /** Runs one line and prints its output. Returns 0, or 1 when the command failed. */
    run: async (_line: string, print: Print): Promise<number> => {
        await print("this program takes no commands")
        return 1
    },
}
