// A WebSocket server (RFC 6455) that echoes each message, for pages in a browser: new WebSocket("ws://ADDRESS/").
// In the simulator: npm start -- --program src/gallery/websocket.ts --forward 8080:80

import { Buffer } from "@devicescript/core"
import { board } from "../board"
import { listen, type Socket, startNetwork } from "../index"
import { networkSettings } from "../socket/network-settings"
import { base64, sha1 } from "./sha1"

const enum Op {
    Close = 8,
    Ping = 9,
    Pong = 10,
}
const enum Status {
    Normal = 1000,
    ProtocolError = 1002,
    TooBig = 1009,
}
/** The longest message of one frame. */
const LONGEST = 1024

/** Reads the request and answers it. Returns false when it does not ask for a WebSocket. */
async function upgraded(socket: Socket): Promise<boolean> {
    let key = ""
    let asks = false
    for (let lines = 0; lines < 40; lines++) {
        const line = await socket.readLine(5000)
        if (line === undefined || line === null) return false
        if (line === "") {
            if (!asks || key.length !== 24) break
            const accept = base64(sha1(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`))
            await socket.send(
                `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`
            )
            return true
        }
        const colon = line.indexOf(":")
        const name = line.slice(0, Math.max(colon, 0)).toLowerCase()
        const value = line.slice(colon + 1).trim()
        if (name === "upgrade") asks = value.toLowerCase() === "websocket"
        else if (name === "sec-websocket-key") key = value
    }
    await socket.send(
        "HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    )
    return false
}

/** Sends a frame; the first byte has the FIN bit and the opcode. */
async function frame(socket: Socket, first: number, data: Buffer): Promise<void> {
    const { length } = data
    const head = length < 126 ? [first, length] : [first, 126, length >> 8, length & 255]
    await socket.send(Buffer.from(head).concat(data))
}

/** Echoes frames until either end closes. Returns why. */
async function echo(socket: Socket): Promise<Status> {
    for (;;) {
        // a browser answers nothing by itself: a silent one may stay
        const head = await socket.readBytes(2)
        if (!head) return Status.Normal
        const first = head.getAt(0, "u8")
        const op = first & 15
        let length = head.getAt(1, "u8") & 127
        // section 5.1: a client masks its frames; 5.2: no extension was agreed on; 5.5: control frames are short and whole
        if (head.getAt(1, "u8") < 128 || (first & 0x70) !== 0) return Status.ProtocolError
        if (op > Op.Pong || (op > 2 && op < Op.Close)) return Status.ProtocolError
        if (op >= Op.Close && (length > 125 || first < 128)) return Status.ProtocolError
        if (length === 127) return Status.TooBig
        if (length === 126) {
            const long = await socket.readBytes(2, 5000)
            if (!long) return Status.Normal
            length = (long.getAt(0, "u8") << 8) | long.getAt(1, "u8")
        }
        if (length > LONGEST) return Status.TooBig
        const mask = await socket.readBytes(4, 5000)
        const data = await socket.readBytes(length, 30000)
        if (!mask || !data) return Status.Normal
        for (let i = 0; i < length; i++) data.setAt(i, "u8", data.getAt(i, "u8") ^ mask.getAt(i & 3, "u8"))
        if (op === Op.Close) return Status.Normal
        if (op !== Op.Pong) await frame(socket, op === Op.Ping ? 128 | Op.Pong : first, data)
    }
}

/** Ends the connection after what was sent. Unread data would be answered with a reset, which can overtake it: reads some more. */
async function finish(socket: Socket): Promise<void> {
    await socket.shutdown()
    for (let pieces = 0; pieces < 16; pieces++) if (!(await socket.recv(2000))) return
}

await startNetwork({ mac: board, ...(await networkSettings()) })
listen({ port: 80 }, async socket => {
    if (await upgraded(socket)) {
        console.log(`${socket.name} is connected`)
        const status = await echo(socket)
        await frame(socket, 128 | Op.Close, Buffer.from([status >> 8, status & 255]))
    }
    await finish(socket)
})
