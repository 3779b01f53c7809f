// What a device in the field takes: its address by DHCP, names by DNS, the MQTT client of @devicescript/net, and a web server for four.

import "../../boards/host/pipe"
import { board } from "../../src/board"
import { boot } from "../../src/boot"
import { dhcp } from "../../src/socket/dhcp"
import { dns } from "../../src/socket/dns"
import { startNetwork } from "../../src/socket/interface"
import { serve } from "./mqtt-and-web"

const net = await startNetwork({ mac: board, ...boot, addressing: dhcp(), resolver: dns() })
await net.up(20000)
console.log(`${net.address()} serves`)
serve(net)
