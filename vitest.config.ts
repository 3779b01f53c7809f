// The configuration of the tests that run on any machine. Those against the Linux kernel have test/linux/vitest.config.ts.

import { availableParallelism } from "node:os"
import { relative } from "node:path"
import { fileURLToPath } from "node:url"
import { defineConfig } from "vitest/config"
import { boardFiles, readBoard } from "./sim/board/boards.ts"
import { YOUNG_SPACE } from "./sim/build/compiler.ts"
import { FEATURES, featuresFile, leftOut } from "./sim/build/features.ts"
import { ALIASES, loadPins, resolvePins } from "./sim/node/packages.ts"

/** The files that `--board` and `--without` replace: texts by path. */
const files = boardFiles(readBoard()).set(FEATURES, featuresFile(leftOut()))

/** A reporter that lists the tests that passed only when CI ran them once more. */
export const RETRIED = fileURLToPath(new URL("./test/support/retried-reporter.ts", import.meta.url))

/**
 * The tests that share a process, as they leave nothing behind: that saves half a second of each file, and the simulator, which V8 has
 * compiled for one file, is fast for the next. Tests that start drivers in their own process would meet the fibers of others.
 */
const TOGETHER = [
    "budget",
    "cli",
    "console",
    "deploy",
    "features",
    "packetdrill",
    "inspect",
    "costs",
    "wire",
    "tcp",
    "net",
    "link",
    "view",
    "options",
    "capture",
    "analysis",
    "chip",
    "router",
    "optimizer",
]
    .map(folder => `test/${folder}/*.test.ts`)
    // macs.test.ts declares the scenarios of other files, which happens once in a process
    .concat("test/scenarios/!(macs).test.ts")

// runs src/ on the Node runtime: DeviceScript's packages are those of sim/node
export default defineConfig({
    plugins: [
        {
            name: "board",
            enforce: "pre",
            resolveId: resolvePins,
            load: id => files.get(relative(import.meta.dirname, id)) ?? loadPins(id),
        },
    ],
    resolve: { alias: ALIASES },
    test: {
        projects: [
            { extends: true, test: { name: "together", include: TOGETHER, isolate: false } },
            { extends: true, test: { name: "apart", include: ["test/**/*.test.ts"], exclude: TOGETHER } },
        ],
        execArgv: [YOUNG_SPACE],
        globalSetup: "test/support/build-server.ts",
        // tests and hooks build images, on machines that do much else
        testTimeout: 120_000,
        hookTimeout: 120_000,
        // CI runs a failed test once more, as its machines may stand still for seconds; the second reporter lists such tests
        retry: process.env.CI === undefined ? 0 : 1,
        reporters: ["default", RETRIED],
        // tests are concurrent where they build images, each of which takes a core and 400 MB
        maxConcurrency: 2,
        // many tests wait more than they compute
        maxWorkers: Math.max(4, availableParallelism()),
    },
})
