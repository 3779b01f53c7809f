// Where command lines go that reach the device from outside; the program puts its own interpreter here.

export const lines = {
    /** Runs one line, prints what it has to say and gives 0, or 1 when the line could not be carried out. */
    run: async (_line: string, print: (text: string) => void): Promise<number> => {
        print("this program takes no commands")
        return 1
    },
}
