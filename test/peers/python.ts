// Whether there is a Python for peers that are written in it.

import { spawnSync } from "node:child_process"

/** Tests that need it are skipped (and shown as such) where it is absent, except in CI, which installs it. */
export const withoutPython = spawnSync("python3", ["--version"]).error !== undefined && !process.env.CI
