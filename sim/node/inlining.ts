// Node runtime: has V8 put more of the calls of getAt and setAt into the functions that make them, where their formats are constant.
// A function of the stack makes dozens of such calls, and V8's own limit is enough for about eight.

import { setFlagsFromString } from "node:v8"

setFlagsFromString("--max-inlined-bytecode-size-cumulative=16000")
setFlagsFromString("--min-inlining-frequency=0")
