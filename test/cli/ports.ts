// Ports of this computer.

import net from "node:net"

/** One that is listened on until the server is closed. */
export async function taken(
    accepted: (socket: net.Socket) => void = () => {}
): Promise<{ port: number; server: net.Server }> {
    const server = net.createServer(accepted)
    await new Promise<void>(resolve => server.listen(0, "127.0.0.1", resolve))
    return { port: (server.address() as net.AddressInfo).port, server }
}

/** Returns a port that had no listener a moment ago. */
export async function free(): Promise<number> {
    const { port, server } = await taken()
    await new Promise(resolve => server.close(resolve))
    return port
}
