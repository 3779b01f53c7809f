// The MQTT client of @devicescript/net and a web server at once, over one network.

import "../../boards/host/pipe"
import { board } from "../../src/board"
import { boot } from "../../src/boot"
import { startNetwork } from "../../src/socket/interface"
import { serve } from "./mqtt-and-web"

serve(await startNetwork({ mac: board, ...boot }))
