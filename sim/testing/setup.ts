// What the vitest plugin runs before each file of tests: adds the matchers, and closes a test's networks at its end.

import { afterEach, expect } from "vitest"
import { closeAll } from "./lab"
import { matchers } from "./matchers"

expect.extend(matchers)
afterEach(closeAll)
