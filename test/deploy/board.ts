// Boards on a Jacdac bus, behind a TCP socket as DeviceScript's devtools have them: each is DeviceScript's own VM, with its services
// for programs and settings, and flash.

import { randomBytes } from "node:crypto"
import { JacdacBus } from "../../sim/device/jacdac"
import { createModule, type VmModule } from "../../sim/vm/module"

/** A VM as a whole device. */
interface WholeVm extends VmModule {
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

    private constructor(
        private readonly jacdac: JacdacBus,
        readonly port: number
    ) {}

    static async open(): Promise<Bus> {
        const jacdac = new JacdacBus()
        return new Bus(jacdac, await jacdac.listen(0))
    }

    plug(id: string, flash: Uint8Array = new Uint8Array(0)): Board {
        const board = new Board(this, id, flash)
        this.boards.push(board)
        this.jacdac.attach(board)
        return board
    }

    carry(frame: Uint8Array, from: Board): void {
        this.jacdac.carry(frame, from)
    }

    async close(): Promise<void> {
        for (const board of this.boards) board.off()
        await this.jacdac.close()
    }
}
