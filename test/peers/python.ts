// Whether there is a Python for peers that are written in it.

import { isInstalled } from "../support/installed"

/** Tests that need it are skipped (and shown as such) where it is absent, except in CI, which installs it. */
export const withoutPython = !isInstalled("python3") && !process.env.CI
