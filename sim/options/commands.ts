// Splits the value of --exec into console commands.

import { OptionError } from "./error"

/**
 * Splits `command; command; …` at the semicolons that are neither in quotes ("…" or '…') nor after a backslash. Commands
 * keep their quotes and their backslashes, except the backslash of an escaped semicolon. Throws an OptionError when a
 * quote is not closed.
 */
export function splitCommands(text: string): string[] {
    const commands = [""]
    let quote = ""
    for (let i = 0; i < text.length; i++) {
        const character = text[i]!
        if (character === "\\" && i + 1 < text.length) {
            const escaped = text[++i]!
            append(commands, escaped === ";" && quote === "" ? ";" : character + escaped)
            continue
        }
        if (character === ";" && quote === "") {
            commands.push("")
            continue
        }
        if (quote === character) quote = ""
        else if (quote === "" && (character === '"' || character === "'") && startsWord(commands.at(-1)!)) {
            quote = character
        }
        append(commands, character)
    }
    if (quote !== "") throw new OptionError(`the quote ${quote} is opened and never closed`)
    return commands.map(command => command.trim()).filter(command => command !== "")
}

/** Returns true when a quote begins a word; in the middle of a word it is an apostrophe. */
function startsWord(before: string): boolean {
    return before === "" || before.endsWith(" ")
}

function append(commands: string[], text: string): void {
    commands[commands.length - 1] += text
}
