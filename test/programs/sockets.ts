// Sockets in use: each command is a small program of its own. `later` starts one beside the others; it prints on the console.

import "../../boards/host/pipe"
import * as ds from "@devicescript/core"
import { board } from "../../src/board"
import { boot } from "../../src/boot"
import { lines } from "../../src/device/command-hook"
import type { Print } from "../../src/inspect/text"
import { startNetwork } from "../../src/socket/interface"
import { listen } from "../../src/socket/listener"
import { connect, type Socket } from "../../src/socket/socket"

let ready = false
lines.run = async (line, print) => {
    while (!ready) await ds.sleep(5)
    const args = line.split(" ")
    if (args[0] === "sleep") await ds.sleep(parseFloat(args[1]))
    else if (args[0] === "later") tried.start(args.slice(1), (text: string) => console.log(`later: ${text}`))
    else return await tried(args, print)
    return 0
}

const net = await startNetwork({ mac: board, ...boot })
net.onchange.subscribe(() => console.log(`${net.isUp() ? "up" : "down"} ${net.address()}`))
/** What commands go on with. */
let held: Socket | undefined

/** So many bytes of a pattern. */
function pattern(length: number): ds.Buffer {
    const bytes = ds.Buffer.alloc(length)
    for (let i = 0; i < length; i++) bytes[i] = (i * 7 + (i >> 8)) & 0xff
    return bytes
}

/** A sum that every byte and its place go into. */
function sumOf(sum: number, bytes: ds.Buffer): number {
    for (let i = 0; i < bytes.length; i++) sum = (sum * 31 + bytes[i]) & 0xffffff
    return sum
}

function words(value: unknown): string {
    return value === undefined ? "undefined" : value === null ? "null" : `${value}`
}

/** Reads to the end: how many bytes, and their sum. */
async function drain(socket: Socket): Promise<string> {
    let length = 0
    let sum = 0
    for (;;) {
        const bytes = await socket.recv()
        if (!bytes) return `${length} bytes, sum ${sum}`
        length += bytes.length
        sum = sumOf(sum, bytes)
    }
}

/** Sends `length` bytes in pieces while another fiber reads them back. */
async function echoed(host: string, port: number, length: number): Promise<string> {
    const socket = await connect({ host, port })
    let left = length
    let sum = 0
    const sender = async () => {
        const piece = pattern(700)
        while (left > 0) {
            const n = left < 700 ? left : 700
            const bytes = n < 700 ? piece.slice(0, n) : piece
            await socket.send(bytes)
            sum = sumOf(sum, bytes)
            left -= n
        }
        await socket.shutdown()
    }
    sender.start()
    const got = await drain(socket)
    await socket.close()
    return `${got} of ${length}, sum ${sum}`
}

let playing = 0

async function play(args: string[], print: Print): Promise<void> {
    const host = args[1]
    const port = parseFloat(args[2])
    switch (args[0]) {
        case "up":
            await print(`${await net.up(parseFloat(args[1]))} ${net.isUp()} ${net.address()}`)
            break
        case "hello": {
            const socket = await connect({ host, port })
            const here = `${socket.localAddress()}:${socket.localPort() > 1023}`
            await print(
                `${socket.name} ${here} ${socket.remoteAddress()}:${socket.remotePort()} ${socket.state()}`
            )
            await socket.send("hello\nworld\r\n")
            await socket.send(ds.Buffer.from("and\n\nthe ënd"))
            await socket.shutdown()
            let line: string | undefined | null = ""
            while (line !== null) {
                line = await socket.readLine()
                await print(`line "${line}"`)
            }
            await print(`${words(await socket.recv())} ${socket.state()}`)
            await socket.close()
            await socket.close()
            await print(`${words(await socket.recv())} ${socket.state()} ${socket.remotePort()}`)
            await socket.send("more")
            break
        }
        case "connect":
            held = await connect({ host, port, timeout: parseFloat(args[3]) || undefined })
            await print(held.state())
            break
        case "events":
            held = await connect({ host, port })
            held.onmessage.subscribe(async () => {
                const bytes = await held?.recv(0)
                await print(`message ${bytes ? bytes.toString("utf-8") : words(bytes)}`)
            })
            held.onclose.subscribe(async () => await print("close"))
            held.onerror.subscribe(async error => await print(`error ${error.message}`))
            break
        case "settings":
            held?.noDelay(true)
            held?.keepAlive(true)
            held?.userTimeout(parseFloat(args[1]))
            break
        case "recv": {
            const start = ds.millis()
            const bytes = await held?.recv(args.length > 1 ? parseFloat(args[1]) : undefined)
            await print(`${bytes ? bytes.toString("utf-8") : words(bytes)} after ${ds.millis() - start} ms`)
            break
        }
        case "line": {
            const line = await held?.readLine(parseFloat(args[1]))
            await print(line ? `${line.length} ${line.slice(0, 20)}` : words(line))
            break
        }
        case "send": {
            const start = ds.millis()
            await held?.send(pattern(parseFloat(args[1])))
            await print(`sent after ${ds.millis() - start > 1000 ? "a while" : "no time"}`)
            break
        }
        case "shutdown":
            await held?.shutdown()
            break
        case "close":
            await held?.close()
            break
        case "abort":
            await held?.abort()
            break
        case "state":
            await print(`${held?.state()}`)
            break
        case "drain":
            await print(held ? await drain(held) : "nothing")
            break
        case "echoed":
            await print(await echoed(host, port, parseFloat(args[3])))
            break
        case "many": {
            const wanted = parseFloat(args[3])
            const results: string[] = []
            const one = async (i: number) => {
                results.push(await echoed(host, port, 2000 + i))
            }
            for (let i = 0; i < wanted; i++) one.start(i)
            while (results.length < wanted) await ds.sleep(50)
            for (const result of results) await print(result)
            break
        }
        case "together": {
            // three fibers send on one socket, one of them more than any ring holds
            const all: string[] = []
            const one = async (letter: string, length: number) => {
                const bytes = ds.Buffer.alloc(length)
                bytes.fillAt(0, length, letter.charCodeAt(0))
                await held?.send(bytes)
                all.push(letter)
            }
            one.start("a", 5000)
            one.start("b", 3000)
            one.start("c", 10)
            while (all.length < 3) await ds.sleep(50)
            await print(all.join(" "))
            await held?.shutdown()
            break
        }
        case "serve":
            // echo, but some words are for the handler
            listen({ port: parseFloat(args[1]), backlog: 2 }, async socket => {
                playing++
                for (;;) {
                    const line = await socket.readLine(5000)
                    if (line === "throw") {
                        playing--
                        throw new Error("on purpose")
                    }
                    if (!line || line === "bye") break
                    await socket.send(`${line}\n`)
                }
                playing--
            })
            break
        case "once": {
            const listener = listen({ port: parseFloat(args[1]) }, async socket => {
                await socket.send("once\n")
                listener.close()
                await socket.recv()
            })
            break
        }
        case "playing":
            await print(`${playing}`)
            break
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

ready = true
