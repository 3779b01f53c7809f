#!/usr/bin/env node
// The command of this package: in a checkout the sources themselves, installed what `npm pack` made of them.

import { existsSync } from "node:fs"
import { fileURLToPath } from "node:url"

const sources = new URL("../sim/command/main.ts", import.meta.url)
if (existsSync(sources)) {
    const { register } = await import("tsx/esm/api")
    register({ tsconfig: fileURLToPath(new URL("../tsconfig.json", import.meta.url)) })
    await import(sources.href)
} else {
    await import(new URL("../dist/main.js", import.meta.url).href)
}
