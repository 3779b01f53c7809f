// The files that `devicescript-tcp init` writes into a project.

/** The program that DeviceScript's own init writes: it is nobody's work yet. */
export const FIRST_OF_DEVICESCRIPT = `import * as ds from "@devicescript/core"

setInterval(async () => {
    console.log(":)")
}, 1000)`

export const firstProgram = `// Connects to an echo server, says hello and prints the answer.

import { connect, startNetwork } from "devicescript-tcp"
import { networkSettings } from "devicescript-tcp/src/socket/network-settings"
import { board } from "./board"

// the addresses are settings (.env.defaults); in the simulator they are options, as --ip
await startNetwork({ mac: board, ...(await networkSettings()) })
try {
    // the simulator's network has an echo server at this address
    const socket = await connect({ host: "10.0.0.1", port: 7 })
    await socket.send("hello, world\\n")
    console.log(await socket.readLine())
    await socket.close()
} catch (error) {
    // the message says what failed, and what to do
    console.error((error as Error).message)
}
`

/** Returns the test of a program that is the first one. */
export function firstTest(program: string): string {
    return `// The program on a simulated board, in a simulated network, on virtual time.

import { lab } from "devicescript-tcp/testing"
import { expect, test } from "vitest"

test("the program says hello to the echo server", async () => {
    const net = await lab()
    net.host("10.0.0.1").echo(7)
    const board = await net.device("${program}")
    await net.until(() => board.log.includes("hello, world"))
    expect(board).toHaveConnected("10.0.0.1", 7)
})

test("the program says why when there is no server", async () => {
    const net = await lab()
    net.host("10.0.0.1")
    const board = await net.device("${program}")
    await net.until(() => board.log.length > 0)
    expect(board).toExplain("ECONNREFUSED")
})
`
}

export const compilerSettings = `{
    "compilerOptions": {
        "target": "es2022",
        "module": "preserve",
        "moduleResolution": "bundler",
        "lib": ["es2022"],
        "types": ["node"],
        "strict": true,
        "noEmit": true
    },
    "include": ["."]
}
`

export const vitestConfiguration = `import { devicescript } from "devicescript-tcp/vitest"
import { defineConfig } from "vitest/config"

export default defineConfig({ plugins: [devicescript()] })
`

export const settings = `# The board's settings, which \`npx devicescript-tcp deploy\` sends with the program. What nobody else may know, such as
# WIFI_PASSWORD, belongs in .env.local. A name has at most 13 characters.
IP=192.168.1.50/24
GATEWAY=192.168.1.1
`
