// A console's table of commands: finds a line's command, checks the number of its words, and prints the table.
//
// The table is one string because a switch over names takes more code. Each line of it has a command's usage, two spaces, and what the
// command does; the first character is a line feed. In the usage, [ begins arguments that may be left out; a command with an
// argument TEXT takes any number of words.

import { type Print, padRight, wordsOf } from "../inspect/text"

const enum Line {
    /** Characters of a line: the line and its parts must fit the rest of the heap several times. */
    Longest = 500,
}

const enum Width {
    Usage = 34,
}

/** Runs a command whose words have been counted; `words` begin with its name. Returns an error message, "" on success. */
export type Dispatch<Device> = (
    device: Device,
    line: string,
    words: string[],
    print: Print
) => Promise<string>

/**
 * Runs one line and prints its output. Returns 0, or 1 when the command failed: then one line, which begins with the command's
 * name, says why, and nothing is changed. An empty line does nothing.
 */
export async function runLine<Device>(
    commands: string,
    dispatch: Dispatch<Device>,
    device: Device,
    line: string,
    print: Print
): Promise<number> {
    if (line.length > Line.Longest) {
        await print(`a line has at most ${Line.Longest} characters, not ${line.length}`)
        return 1
    }
    const words = wordsOf(line)
    if (words.length === 0) return 0
    const name = words[0] as string
    const start = commands.indexOf(`\n${name} `) + 1
    if (start === 0) {
        await print(`unknown command "${name}"; help lists the commands`)
        return 1
    }
    const usage = commands.slice(start, commands.indexOf("  ", start))
    const most = wordsOf(usage).length
    const least = usage.indexOf("[") < 0 ? most : most - 1
    if (words.length < least || (words.length > most && usage.indexOf("TEXT") < 0)) {
        await print(`${name}: usage: ${usage}`)
        return 1
    }
    const problem = await dispatch(device, line, words, print)
    if (problem === "") return 0
    await print(`${name}: ${problem}`)
    return 1
}

/** Runs `help`: prints the table. */
export async function helpCommand(commands: string, print: Print): Promise<string> {
    for (let start = 1; start < commands.length; ) {
        const end = commands.indexOf("\n", start)
        const gap = commands.indexOf("  ", start)
        await print(padRight(commands.slice(start, gap + 2), Width.Usage) + commands.slice(gap + 2, end))
        start = end + 1
    }
    return ""
}
