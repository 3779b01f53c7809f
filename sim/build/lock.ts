// A lock for builds that works between processes.

import { mkdir, readFile, rm, stat, writeFile } from "node:fs/promises"
import { join } from "node:path"

/** A lock that still lacks its owner's process number after this time is abandoned, ms. */
const NAMELESS = 2000
const PAUSE = 50

/** Runs `work` while holding the lock, a directory at `path`. Breaks a lock whose process has ended. */
export async function locked<T>(path: string, work: () => Promise<T>): Promise<T> {
    while (!(await take(path))) {
        if (await abandoned(path)) await rm(path, { recursive: true, force: true })
        else await new Promise(resolve => setTimeout(resolve, PAUSE))
    }
    try {
        return await work()
    } finally {
        await rm(path, { recursive: true, force: true })
    }
}

async function take(path: string): Promise<boolean> {
    try {
        await mkdir(path)
    } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "EEXIST") return false
        throw error
    }
    await writeFile(join(path, "owner"), String(process.pid))
    return true
}

async function abandoned(path: string): Promise<boolean> {
    try {
        const owner = Number(await readFile(join(path, "owner"), "utf8"))
        if (owner > 0) return !alive(owner)
        return Date.now() - (await stat(path)).mtimeMs > NAMELESS
    } catch {
        // the owner has not written its number yet, or has just released the lock
        const made = await stat(path).catch(() => undefined)
        return made !== undefined && Date.now() - made.mtimeMs > NAMELESS
    }
}

function alive(pid: number): boolean {
    try {
        process.kill(pid, 0)
        return true
    } catch (error) {
        return (error as NodeJS.ErrnoException).code === "EPERM"
    }
}
