// What a build shows of its progress, on a terminal and elsewhere.

import { afterEach, beforeEach, expect, test, vi } from "vitest"
import { withProgress } from "../../sim/build/progress"

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** Returns what is shown while something takes `ms` milliseconds. */
async function shownIn(ms: number, isTTY: boolean): Promise<string> {
    let shown = ""
    const out = { isTTY, write: (text: string) => (shown += text) }
    const work = withProgress("building x", () => new Promise(resolve => setTimeout(resolve, ms)), out)
    await vi.advanceTimersByTimeAsync(ms)
    await work
    return shown
}

test("a terminal counts the seconds in one line, which goes with the end", async () => {
    const shown = await shownIn(2100, true)
    expect(shown.split("\r").filter(text => text !== "")).toEqual([
        "building x ... 0 s",
        "building x ... 0 s",
        "building x ... 1 s",
        "building x ... 1 s",
        "building x ... 2 s",
        "\x1b[K",
    ])
})

test("without a terminal there is a line every few seconds, with the time that has passed, and one at the end", async () => {
    expect(await shownIn(13_200, false)).toBe(
        "building x: 2 s\nbuilding x: 7 s\nbuilding x: 12 s\nbuilding x: done in 13 s\n"
    )
})

test("a short build says nothing without a terminal", async () => {
    expect(await shownIn(1900, false)).toBe("")
})

test("progress ends when the build fails", async () => {
    let shown = ""
    const out = { isTTY: true, write: (text: string) => (shown += text) }
    await expect(withProgress("x", () => Promise.reject(new Error("no")), out)).rejects.toThrow("no")
    expect(shown.endsWith("\x1b[K")).toBe(true)
    expect(vi.getTimerCount()).toBe(0)
})
