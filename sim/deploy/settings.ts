// Reads a project's settings from .env.defaults and .env.local, in the form that readSetting of @devicescript/settings expects
// on a board.

import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { DeployError } from "./error"

/** The files. Settings in the second, which is private, override those in the first. */
const FILES = [".env.defaults", ".env.local"]
/** The longest name that @devicescript/settings accepts. */
const KEY = 13
/** The room of a frame for the name, a zero and the value, bytes. */
const FRAME = 236

/** Returns the settings by name; a setting with the value undefined is removed from the board. Throws a DeployError that names the file and line. */
export function readSettings(folder: string): Map<string, Uint8Array | undefined> {
    const settings = new Map<string, Uint8Array | undefined>()
    for (const file of FILES) {
        const path = join(folder, file)
        if (!existsSync(path)) continue
        readFileSync(path, "utf8")
            .split(/\r?\n/)
            .forEach((line, i) => {
                const setting = parseLine(line, `${file}, line ${i + 1}`)
                if (setting !== undefined) settings.set(setting.key, setting.value)
            })
    }
    return settings
}

function parseLine(line: string, place: string): { key: string; value: Uint8Array | undefined } | undefined {
    if (/^\s*(#|$)/.test(line)) return undefined
    const found = /^\s*([^=\s]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^#]*?)\s*(?:#.*)?$/.exec(line)
    if (found === null) throw new DeployError(`${place}: the line is not NAME=VALUE`)
    const [, key = "", text = ""] = found
    if (key.length > KEY) {
        throw new DeployError(
            `${place}: the name ${key} has ${key.length} letters; a setting takes at most ${KEY}`
        )
    }
    const value = text === "" ? undefined : new TextEncoder().encode(JSON.stringify(parsed(text)))
    const room = FRAME - key.length - 1
    if (value !== undefined && value.length > room) {
        throw new DeployError(
            `${place}: the value of ${key} has ${value.length} bytes; a setting takes at most ${room}`
        )
    }
    return { key, value }
}

/** Returns the value of JSON text, such as a number; any other text unchanged. */
function parsed(text: string): unknown {
    try {
        return JSON.parse(text)
    } catch {
        return text
    }
}
