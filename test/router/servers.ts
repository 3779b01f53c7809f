// Servers and clients of the host for the tests, on its loopback only.

import { connect, createServer, type Server, type Socket } from "node:net"

export interface LocalServer {
    readonly port: number
    readonly sockets: Socket[]
    close(): Promise<void>
}

/** Serves on a free port of 127.0.0.1. */
export async function serve(accept: (socket: Socket) => void): Promise<LocalServer> {
    const sockets: Socket[] = []
    const server: Server = createServer({ allowHalfOpen: true }, socket => {
        sockets.push(socket)
        socket.on("error", () => {})
        accept(socket)
    })
    await new Promise<void>(done => server.listen(0, "127.0.0.1", done))
    const port = portOf(server)
    const close = async () => {
        for (const socket of sockets) socket.destroy()
        await new Promise(done => server.close(done))
    }
    return { port, sockets, close }
}

/** Returns a port of 127.0.0.1 without a listener. */
export async function closedPort(): Promise<number> {
    const { port, close } = await serve(() => {})
    await close()
    return port
}

/** Sends bytes to a port of 127.0.0.1, then FIN, and gives all that comes back. */
export function exchange(port: number, bytes: Uint8Array): Promise<Buffer> {
    return new Promise((resolve, reject) => {
        const got: Buffer[] = []
        const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true })
        socket.on("data", data => got.push(data))
        socket.on("error", reject)
        socket.on("end", () => resolve(Buffer.concat(got)))
        socket.end(bytes)
    })
}

function portOf(server: Server): number {
    const address = server.address()
    if (typeof address !== "object" || address === null) throw new Error("the server has no port")
    return address.port
}
