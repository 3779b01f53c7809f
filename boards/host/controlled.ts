// The device under another program's control, on the simulator: src/controlled.ts behind the host's pipe.

import "./pipe"
import "../../src/controlled"
