// What the tests of the gallery share: its programs, and a network with one of them.

import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { ROOT } from "../../sim/build/build"
import type { HostConnection, Lab, LabDevice } from "../../sim/testing/api"
import { lab } from "../../sim/testing/index"
import type { Seen } from "../../sim/testing/wire"

export const GALLERY = "src/gallery"
export const RUNTIMES = ["vm", "node"] as const

/** The programs, by their names. */
export const programs = readdirSync(join(ROOT, GALLERY))
    .map(file => file.replace(/\.ts$/, ""))
    .filter(name => /\bstartNetwork\(/.test(readFileSync(join(ROOT, GALLERY, `${name}.ts`), "utf8")))

export const pathOf = (name: string) => `${GALLERY}/${name}.ts`

/** Plays a test with a program on a board at 10.0.0.2, and requires that nothing ended it. */
export async function playing(
    name: string,
    runtime: (typeof RUNTIMES)[number],
    play: (net: Lab, board: LabDevice) => Promise<void>,
    before: (net: Lab) => void = () => {}
): Promise<void> {
    const net = await lab({ runtime })
    try {
        before(net)
        const board = await net.device(pathOf(name))
        await net.pass(200)
        await play(net, board)
        if (board.ended !== undefined) throw new Error(board.ended)
    } finally {
        await net.close()
    }
}

/** The frames of a network as bytes. */
export const framesOf = (net: Lab) => net.frames as unknown as readonly Seen[]

/** Sends text, and returns what came until the connection was quiet for some time. */
export async function answerTo(net: Lab, connection: HostConnection, text: string): Promise<string> {
    const before = connection.received.length
    connection.send(text)
    await net.pass(500)
    return connection.received.slice(before)
}

/** Bytes as the text that connections of tests carry. */
export const latin = (bytes: Iterable<number>) => String.fromCharCode(...bytes)
export const bytesOf = (text: string) => [...text].map(character => character.charCodeAt(0))

/** Returns random bytes, the same for the same seed. */
export function noise(seed: number, length: number): string {
    let state = seed
    const bytes = Array.from({ length }, () => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0
        return state >>> 24
    })
    return latin(bytes)
}
