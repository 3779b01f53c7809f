import { fileURLToPath } from "node:url"
import { defineConfig, mergeConfig } from "vitest/config"
import base, { RETRIED } from "../../vitest.config.js"

// The tests against the Linux kernel; they make network namespaces, so they are no part of `npm test`.
const { test: _, ...shared } = base
export default mergeConfig(
    shared,
    defineConfig({
        root: fileURLToPath(new URL("../..", import.meta.url)),
        test: {
            include: ["test/linux/**/*.linux.ts"],
            globalSetup: ["test/linux/support/setup.ts", "test/support/build-server.ts"],
            execArgv: base.test?.execArgv,
            // they wait more than they work
            maxWorkers: 3,
            // the first test of a program builds it, in CI beside the other tests
            testTimeout: 180_000,
            hookTimeout: 180_000,
            retry: process.env.CI === undefined ? 0 : 1,
            reporters: ["default", RETRIED],
        },
    })
)
