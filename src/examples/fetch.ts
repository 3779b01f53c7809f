// Fetches a JSON document with the fetch of @devicescript/net.

import { fetch } from "@devicescript/net"
import { board } from "../board"
import { boot } from "../boot"
import { useForNet } from "../socket/devicescript-net"
import { startNetwork } from "../socket/interface"
import { jsonOf } from "../socket/json"

useForNet(await startNetwork({ mac: board, ...boot }))
try {
    const response = await fetch("http://10.0.0.1:8000/data.json")
    console.log(response.status, await jsonOf(response))
} catch (error) {
    console.error(`cannot fetch the document: ${(error as Error).message}`)
}
