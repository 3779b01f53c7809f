// Boards on a Jacdac bus, behind a TCP socket as DeviceScript's devtools have them: each is DeviceScript's own VM, with its services
// for programs and settings, and flash.

import { randomBytes } from "node:crypto"
import { type AddressInfo, createServer, type Server, type Socket } from "node:net"
import { createModule, type VmModule } from "../../sim/vm/module"

/** A VM as a whole device. */
interface WholeVm extends VmModule {
    handlePacket(frame: Uint8Array): void
    flashSave?: (bytes: Uint8Array) => void
    flashLoad?: () => Uint8Array
}

export class Board {
    readonly log: string[] = []
    readonly panics: number[] = []
    /** It hears nothing and says nothing. */
    deaf = false
    private readonly vm: WholeVm
    private readonly timers = new Set<NodeJS.Timeout>()

    constructor(
        bus: Bus,
        readonly id: string,
        /** What it keeps when it is switched off. */
        public flash: Uint8Array<ArrayBufferLike>
    ) {
        const vm = createModule({
            now: () => Date.now(),
            setTimeout: (run, ms) => {
                const timer = setTimeout(() => {
                    this.timers.delete(timer)
                    run()
                }, ms)
                this.timers.add(timer)
                return timer
            },
            clearTimeout: timer => {
                clearTimeout(timer as NodeJS.Timeout)
                this.timers.delete(timer as NodeJS.Timeout)
            },
            randomBytes,
        }) as WholeVm
        this.vm = vm
        vm.dmesg = line => this.log.push(line)
        vm.error = error => this.log.push(String(error))
        vm.panicHandler = code => this.panics.push(code)
        vm.sockIsAvailable = () => false
        vm.flashLoad = () => this.flash
        vm.flashSave = bytes => {
            this.flash = bytes.slice()
        }
        vm.sendPacket = frame => {
            if (!this.deaf) bus.carry(frame.slice(), this)
        }
        vm.devsSetDeviceId(id)
        vm.devsStart()
    }

    hear(frame: Uint8Array): void {
        if (!this.deaf) this.vm.handlePacket(frame)
    }

    /** Ends it. */
    off(): void {
        this.deaf = true
        for (const timer of this.timers) clearTimeout(timer)
        this.timers.clear()
    }
}

export class Bus {
    private readonly boards: Board[] = []
    private readonly sockets = new Set<Socket>()
    private readonly server: Server

    private constructor() {
        this.server = createServer(socket => this.welcome(socket))
    }

    static async open(): Promise<Bus> {
        const bus = new Bus()
        await new Promise<void>(done => bus.server.listen(0, "127.0.0.1", done))
        return bus
    }

    get port(): number {
        return (this.server.address() as AddressInfo).port
    }

    plug(id: string, flash: Uint8Array = new Uint8Array(0)): Board {
        const board = new Board(this, id, flash)
        this.boards.push(board)
        return board
    }

    carry(frame: Uint8Array, from?: Board | Socket): void {
        for (const board of this.boards) if (board !== from) board.hear(frame)
        for (const socket of this.sockets) {
            if (socket !== from) socket.write(Uint8Array.from([frame.length, ...frame]))
        }
    }

    async close(): Promise<void> {
        for (const board of this.boards) board.off()
        for (const socket of this.sockets) socket.destroy()
        await new Promise(done => this.server.close(done))
    }

    private welcome(socket: Socket): void {
        this.sockets.add(socket)
        socket.on("close", () => this.sockets.delete(socket))
        socket.on("error", () => {})
        let received: Uint8Array = new Uint8Array(0)
        socket.on("data", bytes => {
            received = Buffer.concat([received, bytes])
            while (received.length > 0 && received.length > received[0]!) {
                const end = 1 + received[0]!
                this.carry(received.slice(1, end), socket)
                received = received.slice(end)
            }
        })
    }
}
