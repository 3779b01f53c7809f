// The simulator as a module for a debugger; `npm start` and `devicescript-tcp sim` run the same through bin/devicescript-tcp.js.

import { runProcess } from "./command/process"
import { simulate } from "./command/simulate"

await runProcess(simulate)
