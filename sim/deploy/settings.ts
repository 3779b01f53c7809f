// A project's settings, from .env.defaults and .env.local, as readSetting of @devicescript/settings finds them on a board.

import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { DeployError } from "./error"

/** The second goes before the first: it holds what is not for others. */
const FILES = [".env.defaults", ".env.local"]
/** @devicescript/settings takes no longer one. */
const KEY = 13
/** What a frame has room for, with the key and a byte between. */
const FRAME = 236

/** By name; what is to be removed from the board has no value. Throws a DeployError that names file and line. */
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
    if (found === null) throw new DeployError(`${place}: this is not NAME=VALUE`)
    const [, key = "", text = ""] = found
    if (key.length > KEY) {
        throw new DeployError(
            `${place}: the name ${key} has ${key.length} letters, a board's settings take ${KEY}`
        )
    }
    const value = text === "" ? undefined : new TextEncoder().encode(JSON.stringify(parsed(text)))
    const room = FRAME - key.length - 1
    if (value !== undefined && value.length > room) {
        throw new DeployError(
            `${place}: the value of ${key} has ${value.length} bytes, there is room for ${room}`
        )
    }
    return { key, value }
}

/** Numbers and the like are told by JSON; all else is text. */
function parsed(text: string): unknown {
    try {
        return JSON.parse(text)
    } catch {
        return text
    }
}
