// The program that is flashed, on the simulator: the very same src/main.ts behind the host's pipe.

import "./pipe"
import "../../src/main"
