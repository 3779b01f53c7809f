// A Jacdac bus between simulated devices and programs of this computer, which reach it over TCP as DeviceScript's devtools have it:
// each frame follows its length.

import { createServer, type Server, type Socket } from "node:net"

/** A device on the bus. */
export interface JacdacDevice {
    /** Receives a frame of another device or program. */
    hear(frame: Uint8Array): void
}

/** The port of `--jacdac` that the console looks for. */
export const SIMULATOR_PORT = 8085

/** The length byte of a frame of this length or more, whose length follows in two more bytes. */
const LONG = 255
/** The lengths of a frame's header, and of the longest frame. */
const HEADER = 12
const LONGEST = 252
/** The most bytes that wait for a program that does not read. */
const MOST_WAITING = 1_000_000

export class JacdacBus {
    private readonly devices = new Set<JacdacDevice>()
    private readonly sockets = new Set<Socket>()
    private server: Server | undefined

    attach(device: JacdacDevice): void {
        this.devices.add(device)
    }

    /** Passes a frame to all devices and programs except the one that sent it. */
    carry(frame: Uint8Array, from: JacdacDevice | Socket): void {
        for (const device of this.devices) if (device !== from) device.hear(frame)
        for (const socket of this.sockets) {
            if (socket === from) continue
            if (socket.writableLength > MOST_WAITING) socket.destroy()
            else socket.write(withLength(frame))
        }
    }

    /** Listens on a port of this computer, 0 for any free one, and returns the port. Rejects with the socket's error. */
    async listen(port: number): Promise<number> {
        const server = createServer(socket => this.welcome(socket))
        this.server = server
        await new Promise<void>((resolve, reject) => {
            server.once("error", reject)
            server.listen(port, "127.0.0.1", resolve)
        })
        const address = server.address()
        return typeof address === "object" && address !== null ? address.port : port
    }

    async close(): Promise<void> {
        for (const socket of this.sockets) socket.destroy()
        const { server } = this
        if (server?.listening) await new Promise(done => server.close(done))
    }

    private welcome(socket: Socket): void {
        this.sockets.add(socket)
        socket.setNoDelay(true)
        socket.on("close", () => this.sockets.delete(socket))
        socket.on("error", () => {})
        const frames = new FrameReader()
        socket.on("data", bytes => {
            for (const frame of frames.take(bytes)) this.carry(frame, socket)
        })
    }
}

/** Returns a frame after its length, as it is written to a stream. */
export function withLength(frame: Uint8Array): Uint8Array {
    const { length } = frame
    const before = length < LONG ? [length] : [LONG, length & 0xff, length >> 8]
    return Uint8Array.from([...before, ...frame])
}

/** Finds the frames in a stream in which each follows its length. Returns only those that can be Jacdac frames. */
export class FrameReader {
    private received: Uint8Array = new Uint8Array(0)

    /** Takes more bytes of the stream, and returns the frames that they complete. */
    take(bytes: Uint8Array): Uint8Array[] {
        const frames: Uint8Array[] = []
        const all = Buffer.concat([this.received, bytes])
        let at = 0
        while (at < all.length) {
            let start = at + 1
            let length = all[at]!
            if (length === LONG) {
                if (at + 3 > all.length) break
                length = all.readUInt16LE(at + 1)
                start = at + 3
            }
            if (start + length > all.length) break
            at = start + length
            const frame = Uint8Array.from(all.subarray(start, at))
            if (isFrame(frame)) frames.push(frame)
        }
        this.received = all.subarray(at)
        return frames
    }
}

/** Returns whether the frame has a header and as many bytes as its header says. */
function isFrame(frame: Uint8Array): boolean {
    return frame.length > HEADER && frame.length <= LONGEST && frame.length >= HEADER + frame[2]!
}
