// The entry of `npm start`; `devicescript-tcp sim` runs the same.

import { runProcess } from "./command/process"
import { simulate } from "./command/simulate"

await runProcess(simulate)
