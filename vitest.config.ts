import { availableParallelism } from "node:os"
import { fileURLToPath } from "node:url"
import { defineConfig } from "vitest/config"
import { BOARD, boardModule, pinsModule, readBoard } from "./sim/board/boards.ts"
import { FEATURES, featuresFile, leftOut } from "./sim/build/features.ts"

const standIn = (name: string) => fileURLToPath(new URL(`./sim/node/${name}.ts`, import.meta.url))

export const RETRIED = fileURLToPath(new URL("./test/support/retried-reporter.ts", import.meta.url))

// src/ runs under Node with these small stand-ins for the runtime's own packages (see sim/node).
export default defineConfig({
    plugins: [
        {
            name: "features",
            enforce: "pre",
            transform: (text, id) => (id.endsWith(`/${FEATURES}`) ? featuresFile(leftOut()) : text),
        },
        {
            name: "board",
            enforce: "pre",
            resolveId: name => (name.startsWith("@dsboard/") ? `\0${name}` : undefined),
            load: id => {
                if (id.endsWith(`/${BOARD}`)) return boardModule(readBoard())
                const [, name] = /^\0@dsboard\/(\w+)$/.exec(id) ?? []
                return name === undefined ? undefined : pinsModule(readBoard(name), standIn("board"))
            },
        },
    ],
    resolve: {
        alias: [
            { find: "@devicescript/core", replacement: standIn("core") },
            { find: "@devicescript/spi", replacement: standIn("spi") },
            { find: "@devicescript/gpio", replacement: standIn("gpio") },
            { find: "@devicescript/crypto", replacement: standIn("crypto") },
            { find: "@devicescript/settings", replacement: standIn("settings") },
        ],
    },
    test: {
        include: ["test/**/*.test.ts"],
        testTimeout: 60_000,
        // images are built in them
        hookTimeout: 60_000,
        // real programs in real time meet a machine that stands still for seconds: CI runs their tests once more, and the second
        // reporter lists them
        retry: process.env.CI === undefined ? 0 : 1,
        reporters: ["default", RETRIED],
        // many wait more than they work
        maxWorkers: Math.max(3, availableParallelism()),
    },
})
