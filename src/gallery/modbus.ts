// A Modbus/TCP server with 32 holding registers (functions 3, 6 and 16), as a PLC or SCADA program reads and writes them.
// In the simulator: npm start -- --program src/gallery/modbus.ts --forward 5020:502
// and then, for example, mbpoll -p 5020 -r 1 -c 4 127.0.0.1

import { Buffer } from "@devicescript/core"
import { board } from "../board"
import { listen, startNetwork } from "../index"
import { networkSettings } from "../socket/network-settings"

const COUNT = 32
/** The registers, two bytes each, the high byte first, as the protocol has them. */
const registers = Buffer.alloc(2 * COUNT)

const enum Fault {
    IllegalFunction = 1,
    IllegalAddress = 2,
    IllegalValue = 3,
}

function word(bytes: Buffer, at: number): number {
    return (bytes.getAt(at, "u8") << 8) | bytes.getAt(at + 1, "u8")
}

/** Returns the answer to a request: the bytes after the unit's number. */
function answerTo(request: Buffer): Buffer {
    const code = request.getAt(0, "u8")
    if (code !== 3 && code !== 6 && code !== 16) return fault(code, Fault.IllegalFunction)
    if (request.length < 5) return fault(code, Fault.IllegalValue)
    const first = word(request, 1)
    // of function 6 the value, of the others the number of registers
    const second = word(request, 3)
    const count = code === 6 ? 1 : second
    if (code === 16) {
        const fits = request.length === 6 + 2 * count && request.getAt(5, "u8") === 2 * count
        if (!fits || count < 1) return fault(code, Fault.IllegalValue)
    } else if (request.length !== 5 || count < 1 || count > 125) return fault(code, Fault.IllegalValue)
    if (first + count > COUNT) return fault(code, Fault.IllegalAddress)
    if (code === 3) {
        const answer = Buffer.alloc(2 + 2 * count)
        answer.setAt(0, "u8", 3)
        answer.setAt(1, "u8", 2 * count)
        answer.blitAt(2, registers, 2 * first, 2 * count)
        return answer
    }
    registers.blitAt(2 * first, request, code === 6 ? 3 : 6, 2 * count)
    console.log(`register ${first} is ${word(registers, 2 * first)}`)
    // both answers repeat the first five bytes
    return request.slice(0, 5)
}

function fault(code: number, why: Fault): Buffer {
    return Buffer.from([code | 0x80, why])
}

await startNetwork({ mac: board, ...(await networkSettings()) })
listen({ port: 502 }, async socket => {
    for (;;) {
        // transaction, protocol (0), length of what follows, unit
        const head = await socket.readBytes(7, 60000)
        if (!head) return
        const length = word(head, 4) - 1
        // what follows is no Modbus: the connection cannot be understood any more, and ends
        if (word(head, 2) !== 0 || length < 1 || length > 253) return
        const request = await socket.readBytes(length, 5000)
        if (!request) return
        const answer = answerTo(request)
        head.setAt(4, "u8", 0)
        head.setAt(5, "u8", answer.length + 1)
        await socket.send(head.concat(answer))
    }
})
