// The program on a simulated board, in a simulated network, on virtual time.

import { lab } from "devicescript-tcp/testing"
import { expect, test } from "vitest"

test("the program says hello to the echo server", async () => {
    const net = await lab()
    net.host("10.0.0.1").echo(7)
    const board = await net.device("src/main.ts")
    await net.until(() => board.log.includes("hello, world"))
    expect(board).toHaveConnected("10.0.0.1", 7)
})

test("the program says why when there is no server", async () => {
    const net = await lab()
    net.host("10.0.0.1")
    const board = await net.device("src/main.ts")
    await net.until(() => board.log.length > 0)
    expect(board).toExplain("ECONNREFUSED")
})
