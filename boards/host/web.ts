// src/examples/web.ts behind the host's pipe.

import "./pipe"
import "../../src/examples/web"
