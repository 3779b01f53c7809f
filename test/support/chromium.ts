// Chromium for tests of pages. A machine without it skips them with a note; CI has it, and fails without.

import { existsSync } from "node:fs"
import { type Browser, chromium } from "playwright-core"

const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"]
const place = process.env.CHROMIUM ?? PLACES.find(path => existsSync(path))

/** True where no Chromium is installed and none is required. */
export const withoutChromium = place === undefined && process.env.CI === undefined

/** What a test's name says where it is skipped. */
export const skipNote = withoutChromium ? " (skipped: Chromium is not installed)" : ""

/** Starts Chromium. It asks nothing of other hosts by itself. */
export async function launchChromium(): Promise<Browser> {
    if (place === undefined) throw new Error("CI has to install chromium")
    return await chromium.launch({
        executablePath: place,
        args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"],
    })
}
