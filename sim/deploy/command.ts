// `npm run deploy` and `devicescript-tcp deploy`: builds a program, and sends it and its settings to a board.

import { readFileSync } from "node:fs"
import { verifyByVm } from "../vm/verify"
import { DeployError } from "./error"
import { type DeployOptions, parseDeployOptions } from "./options"
import { Progress } from "./progress"
import { transportFor } from "./route"
import { readSettings } from "./settings"

/** Returns the image to send. */
async function imageOf({ board, file: { kind, path } }: DeployOptions): Promise<Uint8Array> {
    if (kind === "program") {
        const { boardImage } = await import("../budget/board")
        return readFileSync((await boardImage(path, { board })).image)
    }
    const image = readFileSync(path)
    const refused = verifyByVm(image)
    if (refused !== undefined)
        throw new DeployError(`${path} is not an image that a board accepts: ${refused}`)
    return image
}

/**
 * Deploys the program that the options name and returns the exit code. Throws what the process reports (sim/command/process.ts).
 */
export async function deployProgram(words: readonly string[]): Promise<number> {
    const options = parseDeployOptions(words)
    const settings = options.settings ? readSettings(process.cwd()) : new Map()
    const image = await imageOf(options)
    // the package jacdac-ts logs its work on the console
    console.debug = () => {}
    const transport = await transportFor(options.route)
    const { deploy } = await import("./deploy")
    const progress = new Progress(process.stdout)
    const onProgress = (what: string, part?: number) => progress.show(what, part)
    const { device, patience } = options
    const board = await deploy(transport, { image, settings, device, patience, onProgress }).finally(() =>
        progress.end()
    )
    console.log(`${options.file.path} runs on board ${board}`)
    return 0
}
