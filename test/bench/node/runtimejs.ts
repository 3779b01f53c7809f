// The TCP of runtime.js (npm package runtimejs), at both ends, each with modules of its own. Its segments are 536 bytes and its
// window is 8 KB; here they are as large as those of the others. It never frees the local ports of connections, of which it has 16,000.

import { readFileSync } from "node:fs"
import nodeModule, { createRequire } from "node:module"
import { join, sep } from "node:path"
import { Line, type Pair, PORT, RING } from "./line"

interface Socket {
    _state: unknown
    bufferedAmount: number
    ondata: ((data: Uint8Array) => void) | null
    open(ip: string, port: number): void
    close(): void
    send(data: Uint8Array): void
}

interface Interface {
    ontransmit: (headers: Uint8Array, data: Uint8Array | null) => void
    arp: { table: Map<unknown, unknown> }
    setName(name: string): void
    configure(ip: unknown, mask: unknown): void
    receive(frame: Uint8Array): void
}

interface Network {
    IP4Address: new (...bytes: number[]) => { hash(): unknown }
    MACAddress: new (...bytes: number[]) => unknown
    Interface: new (mac: unknown) => Interface
    TCPSocket: new () => Socket
    TCPServerSocket: new () => { onconnect: (socket: Socket) => void; listen(port: number): void }
    route: { addSubnet(ip: unknown, mask: unknown, gateway: null, to: Interface): void }
    interfaceAdd(one: Interface): void
}

type Compiled = NodeJS.Module & { _compile(text: string, path: string): void }
type Loader = (module: Compiled, path: string) => void

const PACKAGE = `${sep}runtimejs${sep}`

/** Returns the package's network with all of its modules made anew. */
function load(folder: string): Network {
    const require = createRequire(join(folder, "package.json"))
    const loaders = (nodeModule as unknown as { _extensions: Record<string, Loader> })._extensions
    const usual = loaders[".js"]!
    loaders[".js"] = (module, path) => {
        if (!path.endsWith(`${PACKAGE}js${sep}core${sep}net${sep}tcp-socket.js`)) usual(module, path)
        else {
            const text = readFileSync(path, "utf8")
            module._compile(
                text.replace("length, 536)", "length, 1460)").replace("= 8192", `= ${RING}`),
                path
            )
        }
    }
    try {
        for (const path of Object.keys(require.cache)) if (path.includes(PACKAGE)) delete require.cache[path]
        return require("runtimejs/js/core/net") as Network
    } finally {
        loaders[".js"] = usual
    }
}

export function runtimejs(folder: string): Pair {
    // its kernel has a function for its log
    Object.assign(globalThis, { debug: () => {} })
    const networks = [load(folder), load(folder)] as const
    const ends = networks.map(({ IP4Address, MACAddress, Interface, route, interfaceAdd }, end) => {
        const one = new Interface(new MACAddress(2, 0, 0, 0, 0, end + 1))
        const mask = new IP4Address(255, 255, 255, 0)
        one.setName("line")
        one.configure(new IP4Address(10, 0, 0, end + 1), mask)
        one.arp.table.set(new IP4Address(10, 0, 0, 2 - end).hash(), new MACAddress(2, 0, 0, 0, 0, 2 - end))
        one.ontransmit = (headers, data) => {
            const frame = new Uint8Array(headers.length + (data?.length ?? 0))
            frame.set(headers)
            if (data !== null) frame.set(data, headers.length)
            line.send(1 - end, frame, frame.length)
        }
        route.addSubnet(new IP4Address(10, 0, 0, 0), mask, null, one)
        interfaceAdd(one)
        return one
    })
    const line = new Line([frame => ends[0]!.receive(frame), frame => ends[1]!.receive(frame)])
    let accepted: Socket | undefined
    const server = new networks[1].TCPServerSocket()
    server.onconnect = socket => {
        accepted = socket
    }
    server.listen(PORT)
    let opened: Socket[] = []
    const connection = () => {
        accepted = undefined
        const from = new networks[0].TCPSocket()
        from.open("10.0.0.2", PORT)
        line.settle()
        const to = accepted as Socket | undefined
        if (to === undefined || to._state !== from._state) throw new Error("no connection")
        opened.push(from, to)
        return { from, to }
    }
    const data = new Uint8Array(RING).fill(0x61)
    const taken = new Uint8Array(RING)
    return {
        name: "runtimejs",
        open: () => void connection(),
        close: () => {
            for (const one of opened) {
                one.close()
                line.settle()
            }
            opened = []
        },
        bulk: async bytes => {
            const { from, to } = connection()
            let arrived = 0
            to.ondata = piece => {
                taken.set(piece)
                arrived += piece.length
            }
            for (let written = 0, idle = 0; arrived < bytes; idle++) {
                const before = arrived
                for (; written < bytes && from.bufferedAmount < RING; written += RING) from.send(data)
                line.settle()
                // it hands data over in the event loop's next turn
                await new Promise(resolve => setImmediate(resolve))
                if (arrived > before) idle = 0
                if (idle > 1000) throw new Error(`the data stopped after ${arrived} bytes`)
            }
        },
    }
}
