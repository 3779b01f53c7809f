// Ends in the way that the host asks for.

import "../../boards/host/pipe"
import * as ds from "@devicescript/core"
import { Buffer, sleep } from "@devicescript/core"
import { boot } from "../../src/boot"

async function inner(): Promise<void> {
    await sleep(5)
    throw new RangeError("on purpose")
}

async function outer(): Promise<void> {
    await inner()
}

function spin(): number {
    let turns = 0
    while (turns >= 0) turns++
    return turns
}

function grow(): void {
    const kept: Buffer[] = []
    while (true) kept.push(Buffer.alloc(1000))
}

function deepen(depth: number): number {
    return deepen(depth + 1) + 1
}

async function stayAwake(): Promise<void> {
    let turns = 0
    while (turns >= 0) {
        turns++
        await sleep(0)
    }
}

const how = (boot as unknown as { how: string }).how
console.log("about to", how)
if (how === "throw") await outer()
if (how === "throw in a fiber") {
    outer.start()
    await sleep(100)
}
if (how === "spin") spin()
if (how === "grow") grow()
if (how === "deepen") deepen(0)
if (how === "restart") (ds as unknown as { restart: () => void }).restart()
if (how === "stay awake") await stayAwake()
if (how === "misuse the pipe") {
    const native = ds as unknown as { _socketWrite: (data: Buffer) => number }
    native._socketWrite(Buffer.alloc(3))
}
console.log("still here")
