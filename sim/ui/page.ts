// Builds the dashboard's page: one HTML file with its style and script in it, which loads nothing else. The parts are in sim/ui/page.

import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { SVG_STYLE } from "../analysis/svg"
import { PACKAGE } from "../build/places"
import { escaped } from "../view/markup"
import { diagram } from "./diagram"
import { stageList } from "./run-view"

const FOLDER = join(PACKAGE, "sim", "ui", "page")
/** The scripts in the order in which they run: each knows those before it. */
const SCRIPTS = ["dom", "ladder", "connections", "diagram", "controls", "console", "main"]

/** A slider of an impairment: the largest value, the step, and the label. */
const SLIDERS: readonly (readonly [key: string, most: number, step: number, label: string])[] = [
    ["loss", 100, 1, "Loss"],
    ["dup", 100, 1, "Duplication"],
    ["reorder", 100, 1, "Reordering"],
    ["corrupt", 100, 1, "Corruption"],
    ["delay", 1000, 5, "Delay"],
    ["jitter", 500, 5, "Jitter"],
    ["rate", 6, 1, "Rate"],
]

/** Returns the page, and the Content-Security-Policy that goes with it: it names the page's own style and script only. */
export function dashboardPage(): { html: string; policy: string } {
    const read = (name: string) => readFileSync(join(FOLDER, name), "utf8")
    const style = `${read("page.css")}${SVG_STYLE}${read("parts.css")}`
    const script = `"use strict"\n${SCRIPTS.map(name => read(`${name}.js`)).join("\n")}`
    const parts: Record<string, string> = {
        style: `<style>${style}</style>`,
        diagram: diagram(),
        sliders: SLIDERS.map(slider).join("\n"),
        stages: stageList().map(stageButton).join("\n"),
        script: `<script>${script}</script>`,
    }
    const html = read("page.html").replaceAll(/<!-- (\w+) -->/g, (_, name: string) => parts[name] ?? "")
    const hash = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`
    const policy = [
        "default-src 'none'",
        `script-src ${hash(script)}`,
        `style-src ${hash(style)}`,
        "connect-src 'self'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
    return { html, policy: policy.join("; ") }
}

function slider([key, most, step, label]: (typeof SLIDERS)[number]): string {
    return (
        `<label class="slider"><span>${label}</span><input type="range" id="line-${key}" data-key="${key}" min="0" max="${most}" ` +
        `step="${step}" value="0"><output for="line-${key}"></output></label>`
    )
}

function stageButton({ name, about }: { name: string; about: string }): string {
    return `<button type="button" class="stage" data-stage="${name}" aria-pressed="false"><b>${name}</b> <span>${escaped(about)}</span></button>`
}
