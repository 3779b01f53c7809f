// The TCP of v86's network for guests without one (npm package v86), at both ends. The package has it inside only: the copy that is
// loaded exports it, and has its log switched off.

import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { Line, type Pair, PORT, RING } from "./line"

interface Connection {
    state: string
    send_buffer: { length: number }
    accept(): void
    close(): void
    write(data: Uint8Array): void
    on(event: "data", handler: (data: Uint8Array) => void): void
}

interface Adapter {
    on_tcp_connection(connection: Connection): void
    receive(frame: Uint8Array<ArrayBuffer>): void
}

interface Network {
    connect(port: number, adapter: Adapter): Connection
    handle(frame: Uint8Array, adapter: Adapter): void
    encoder(mtu: number): unknown
}

const MTU = 1500

async function load(folder: string): Promise<Network> {
    const text = readFileSync(join(folder, "node_modules/v86/build/libv86-debug.mjs"), "utf8")
    const inside = (name: string) => `$${name}$$module$src$browser$fake_network$$`
    const exported = `export const network = { connect: ${inside("fake_tcp_connect")}, handle: ${inside("handle_fake_networking")}, encoder: ${inside("create_eth_encoder_buf")} }`
    const quiet = text.replace(/(var \$LOG_LEVEL\$\$module\$src\$log\$\$ = )-?\d+/, "$10")
    const path = join(folder, "v86.mjs")
    writeFileSync(path, `${quiet}\n${exported}\n`)
    return ((await import(pathToFileURL(path).href)) as { network: Network }).network
}

export async function v86(folder: string): Promise<Pair> {
    const network = await load(folder)
    const macs = [Uint8Array.of(2, 0, 0, 0, 0, 1), Uint8Array.of(2, 0, 0, 0, 0, 2)]
    const ips = [Uint8Array.of(10, 0, 0, 1), Uint8Array.of(10, 0, 0, 2)]
    let accepted: Connection | undefined
    const adapters = [0, 1].map(end => ({
        router_mac: macs[end],
        router_ip: ips[end],
        vm_mac: macs[1 - end],
        vm_ip: ips[1 - end],
        mtu: MTU,
        tcp_conn: {},
        eth_encoder_buf: network.encoder(MTU),
        bus: { pair: { send: () => {} } },
        on_tcp_connection: (connection: Connection) => {
            accepted = connection
            connection.accept()
        },
        receive: (frame: Uint8Array<ArrayBuffer>) => line.send(1 - end, frame.slice(), frame.length),
    }))
    const [client, server] = adapters as unknown as [Adapter, Adapter]
    const line = new Line([frame => network.handle(frame, client), frame => network.handle(frame, server)])
    let opened: Connection[] = []
    const connection = () => {
        accepted = undefined
        const from = network.connect(PORT, client)
        line.settle()
        const to = accepted as Connection | undefined
        if (to?.state !== "established" || from.state !== "established") throw new Error("no connection")
        opened.push(from, to)
        return { from, to }
    }
    const data = new Uint8Array(RING).fill(0x61)
    const taken = new Uint8Array(RING)
    return {
        name: "v86",
        open: () => void connection(),
        close: () => {
            for (const one of opened) {
                one.close()
                line.settle()
            }
            opened = []
        },
        bulk: bytes => {
            const { from, to } = connection()
            let arrived = 0
            to.on("data", piece => {
                taken.set(piece)
                arrived += piece.length
            })
            for (let written = 0; arrived < bytes; line.settle()) {
                if (written >= bytes || from.send_buffer.length >= RING) continue
                from.write(data)
                written += RING
            }
        },
    }
}
