// The image and the heap of each program, by `npm run build -- --json`.

import { execFile } from "node:child_process"
import { join } from "node:path"
import { promisify } from "node:util"
import { ROOT } from "../../sim/build/build"

export interface ProgramSize {
    name: string
    code: number
    image: number
    heap: number
}

export async function measurePrograms(): Promise<ProgramSize[]> {
    const words = ["--import", "tsx", join(ROOT, "sim/command/main.ts"), "build", "--json"]
    const { stdout } = await promisify(execFile)(process.execPath, words, { cwd: ROOT })
    return (JSON.parse(stdout) as { images: ProgramSize[] }).images
}
