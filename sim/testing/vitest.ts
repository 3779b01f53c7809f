// devicescript-tcp/vitest: the vitest plugin for projects with tests of their programs.

import { existsSync } from "node:fs"
import { join } from "node:path"
import { PACKAGE } from "../build/places.ts"
import { ALIASES, loadPins, resolvePins } from "../node/packages.ts"
import type { Which } from "./api.ts"

declare module "vitest" {
    interface Matchers<T> {
        /** The device had a connection with a host, at a port of either end, whose handshake was completed. */
        toHaveConnected(ip?: string, port?: number): T
        /** A connection of the device has these segments, one directly after the other. */
        toHaveSegments(expected: readonly string[], which?: Which): T
        /** The device has printed an error with this code and a sentence, or a line that fits the pattern. */
        toExplain(what: string | RegExp): T
    }
}

/** A plugin, as vite takes it. */
export interface DevicePlugin {
    name: string
    enforce: "pre"
    config(): object
    resolveId(name: string): string | undefined
    load(id: string): string | undefined
}

/**
 * Returns the plugin. It adds the matchers of devicescript-tcp/testing, closes each test's network at its end, and lets a test import the
 * sources of programs and libraries themselves: they run on the package's stand-in for DeviceScript's packages.
 */
export function devicescript(): DevicePlugin {
    // in a checkout the sources themselves
    const sources = join(PACKAGE, "sim", "testing", "setup.ts")
    const setup = existsSync(sources) ? sources : join(PACKAGE, "dist", "matchers.js")
    return {
        name: "devicescript-tcp",
        enforce: "pre",
        config: () => ({
            resolve: {
                alias: ALIASES,
            },
            test: {
                setupFiles: [setup],
                // builds take longer than vitest's default
                testTimeout: 120_000,
                hookTimeout: 120_000,
                // sources of TypeScript in node_modules, which vitest would leave to Node
                server: { deps: { inline: [/devicescript-tcp\/(src|boards|sim)\//, /@devicescript\//] } },
            },
        }),
        resolveId: resolvePins,
        load: loadPins,
    }
}
