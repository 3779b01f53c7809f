// @devicescript/net, as it is, over this stack: each command is a small program of its own.

import "../../boards/host/pipe"
import * as ds from "@devicescript/core"
import { connect, encryptedFetch, fetch, type Socket } from "@devicescript/net"
import { board } from "../../src/board"
import { boot } from "../../src/boot"
import { lines } from "../../src/device/command-hook"
import type { Print } from "../../src/inspect/text"
import { bodyOf, useForNet } from "../../src/socket/devicescript-net"
import { dns } from "../../src/socket/dns"
import { startNetwork } from "../../src/socket/interface"
import { jsonOf } from "../../src/socket/json"

let ready = false
lines.run = async (line, print) => {
    while (!ready) await ds.sleep(5)
    const args = line.split(" ")
    if (args[0] === "sleep") await ds.sleep(parseFloat(args[1]))
    else if (args[0] === "later") tried.start(args.slice(1), (text: string) => console.log(`later: ${text}`))
    else return await tried(args, print)
    return 0
}

useForNet(await startNetwork({ mac: board, ...boot, resolver: dns() }))
ready = true

let held: Socket | undefined
let older: Socket | undefined

function words(value: unknown): string {
    return value === undefined ? "undefined" : value === null ? "null" : `${value}`
}

function sumOf(sum: number, bytes: ds.Buffer): number {
    for (let i = 0; i < bytes.length; i++) sum = (sum * 31 + bytes[i]) & 0xffffff
    return sum
}

/** A body longer than the heap, through the response's own socket. */
async function streamed(url: string, pause: number): Promise<string> {
    const response = await fetch(url)
    const socket = bodyOf(response)
    let length = 0
    let sum = 0
    for (;;) {
        const bytes = await socket.recv()
        if (!bytes) break
        length += bytes.length
        sum = sumOf(sum, bytes)
        if (pause > 0) await ds.sleep(pause)
    }
    await response.close()
    return `${response.status} ${response.headers.get("content-type")}: ${length} bytes, sum ${sum}`
}

async function play(args: string[], print: Print): Promise<void> {
    switch (args[0]) {
        case "connect":
            held = await connect({
                host: args[1],
                port: parseFloat(args[2]),
                ...(args[3] === "tls" ? { proto: "tls" } : {}),
                ...(args.length > 4 ? { timeout: parseFloat(args[4]) } : {}),
            })
            await print(held.name)
            break
        case "keep":
            older = held
            break
        case "older":
            await print(words(await older?.recv()))
            break
        case "older-send":
            await older?.send("x")
            break
        case "events":
            held?.onmessage.subscribe(async () => {
                const bytes = await held?.recv(0)
                console.log(`message ${bytes ? bytes.toString("utf-8") : words(bytes)}`)
                await ds.sleep(300)
            })
            held?.onclose.subscribe(() => console.log("close"))
            held?.onerror.subscribe(error => console.log(`error ${error.message}`))
            break
        case "recv": {
            const start = ds.millis()
            const bytes = await held?.recv(args.length > 1 ? parseFloat(args[1]) : undefined)
            await print(`${bytes ? bytes.toString("utf-8") : words(bytes)} after ${ds.millis() - start} ms`)
            break
        }
        case "line": {
            const line = await held?.readLine()
            await print(line ? `${line.length} ${line.slice(0, 20)}` : words(line))
            break
        }
        case "send": {
            const bytes = ds.Buffer.alloc(parseFloat(args[1]))
            bytes.fillAt(0, bytes.length, 97)
            const start = ds.millis()
            await held?.send(bytes)
            // it may be used for something else now
            bytes.fillAt(0, bytes.length, 98)
            await print(`sent after ${ds.millis() - start > 500 ? "a while" : "no time"}`)
            break
        }
        case "say":
            await held?.send(args.slice(1).join(" "))
            break
        case "close":
            await held?.close()
            break
        case "json": {
            const response = await fetch(args[1])
            const value = (await response.json()) as { list: number[]; name: string }
            await print(
                `${response.status} ${response.statusText} ${response.ok} ${value.name} ${value.list.length}`
            )
            break
        }
        case "safe": {
            const response = await fetch(args[1])
            const value = JSON.stringify(await jsonOf(response))
            await print(`${response.status} ${value ? value.slice(0, 60) : words(value)}`)
            break
        }
        case "text": {
            const response = await fetch(args[1])
            await print(`${response.status} ${await response.text()}`)
            break
        }
        case "stream":
            await print(await streamed(args[1], parseFloat(args[2])))
            break
        case "post": {
            const body = ds.Buffer.alloc(parseFloat(args[2]))
            for (let i = 0; i < body.length; i++) body[i] = (i * 7) & 0xff
            const response = await fetch(args[1], { method: "POST", body, headers: { "x-test": "yes" } })
            await print(`${response.status} ${await response.text()} sum ${sumOf(0, body)}`)
            break
        }
        case "encrypted": {
            const answer = (await encryptedFetch({
                url: args[1],
                password: "a long secret",
                data: { question: 6 },
            })) as { answer: number }
            await print(`${answer.answer}`)
            break
        }
        default:
            await print(`what is ${args[0]}?`)
    }
}

async function tried(args: string[], print: Print): Promise<number> {
    try {
        await play(args, print)
        return 0
    } catch (error) {
        await print((error as Error).message)
        return 1
    }
}
