import { readFileSync, statSync, writeFileSync } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { buildImage, ROOT } from "../../sim/build/build"
import { BuildError } from "../../sim/build/error"
import { locked } from "../../sim/build/lock"

/** Runs with a folder in this project that is gone afterwards. */
async function scratch(use: (folder: string) => Promise<void>): Promise<void> {
    const folder = await mkdtemp(join(ROOT, "test", "programs", "scratch-"))
    try {
        await use(folder)
    } finally {
        await rm(folder, { recursive: true, force: true })
    }
}

describe("a build", () => {
    it("writes an image and its debug information", async () => {
        const { image, debug, size } = await buildImage(
            ["test/programs/random-numbers.ts"],
            "test-programs-random-numbers"
        )
        expect(readFileSync(image).subarray(0, 4).toString("latin1")).toBe("DevS")
        expect(statSync(image).size).toBe(size)
        const { sources } = JSON.parse(readFileSync(debug, "utf8")) as { sources: { path: string }[] }
        expect(sources[0].path).toBe("test/programs/random-numbers.ts")
    })

    it("is done once, also when asked for twice at the same time", async () => {
        await scratch(async folder => {
            const entry = join(folder, "main.ts").slice(ROOT.length)
            writeFileSync(join(folder, "part.ts"), "export const part = 1\n")
            writeFileSync(join(folder, "main.ts"), 'import { part } from "./part"\nconsole.log(part)\n')
            const both = await Promise.all([buildImage([entry], "scratch"), buildImage([entry], "scratch")])
            expect(both[0]).toEqual(both[1])
            const made = statSync(both[0].image).mtimeMs
            expect(statSync((await buildImage([entry], "scratch")).image).mtimeMs).toBe(made)
            writeFileSync(join(folder, "part.ts"), "export const part = 2\n")
            const changed = await buildImage([entry], "scratch")
            expect(changed.image).not.toBe(both[0].image)
        })
    })

    it("that fails throws all that the compiler printed", async () => {
        await scratch(async folder => {
            const entry = join(folder, "main.ts").slice(ROOT.length)
            writeFileSync(join(folder, "main.ts"), "const text: string = 1\nconst more: number = text\n")
            const error = await buildImage([entry], "scratch").catch((reason: unknown) => reason)
            expect(error).toBeInstanceOf(BuildError)
            const { message } = error as BuildError
            expect(message).toContain(`${entry} does not compile`)
            expect(message).toContain("Type 'number' is not assignable to type 'string'")
            expect(message).toContain("Type 'string' is not assignable to type 'number'")
        })
    })
})

describe("the lock of a build", () => {
    it("lets one process in at a time", async () => {
        await scratch(async folder => {
            let inside = 0
            let most = 0
            const work = async () => {
                most = Math.max(most, ++inside)
                await new Promise(resolve => setTimeout(resolve, 5))
                inside--
            }
            await Promise.all([1, 2, 3].map(() => locked(join(folder, "lock"), work)))
            expect(most).toBe(1)
        })
    })

    it("is released when the work fails, and broken when its owner has ended", async () => {
        await scratch(async folder => {
            const lock = join(folder, "lock")
            const failing = locked(lock, async () => {
                throw new Error("from the work")
            })
            await expect(failing).rejects.toThrow("from the work")
            expect(await locked(lock, async () => 1)).toBe(1)
            // no process has this number
            await locked(lock, async () => {
                writeFileSync(join(lock, "owner"), "99999999")
                expect(await locked(lock, async () => 2)).toBe(2)
            })
        })
    })
})
