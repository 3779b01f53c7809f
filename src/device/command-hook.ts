// The entry for command lines from outside the program, which stores its interpreter here.

export const lines = {
    /** Runs one line and prints its output. Returns 0, or 1 when the command failed. */
    run: async (_line: string, print: (text: string) => void): Promise<number> => {
        print("this program takes no commands")
        return 1
    },
}
