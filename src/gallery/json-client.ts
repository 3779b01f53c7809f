// Sends a reading to a JSON API every minute, with an authorization header, and prints the answer. Needs an HTTP server (without TLS) at URL.
// In the simulator, with a server on port 8000 of your computer: npm start -- --program src/gallery/json-client.ts --link user

import * as ds from "@devicescript/core"
import { fetch } from "@devicescript/net"
import { board } from "../board"
import { jsonOf, startNetwork, useForNet } from "../index"
import { networkSettings } from "../socket/network-settings"

const URL = "http://10.0.0.1:8000/readings"
const TOKEN = "put your token here"

/** What the API answers. */
interface Answer {
    id?: number
}

useForNet(await startNetwork({ mac: board, ...(await networkSettings()) }))
for (;;) {
    try {
        const response = await fetch(URL, {
            method: "POST",
            headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
            body: JSON.stringify({ sensor: "hall", celsius: 21 }),
        })
        if (response.ok) {
            // jsonOf checks the document before it parses it: no server can fill the heap
            const answer = (await jsonOf(response)) as Answer | null
            console.log(`stored as ${answer ? answer.id : undefined}`)
        } else {
            console.warn(`refused: ${response.status} ${response.statusText}`)
            await response.close()
        }
    } catch (error) {
        // no link, no answer, an answer that is too long or not JSON: the message says which
        console.error((error as Error).message)
    }
    await ds.sleep(60000)
}
