// Puts a program and its settings on a board, by the services that DeviceScript's firmware has on its Jacdac bus.

import { createHash } from "node:crypto"
import {
    DeviceScriptManagerCmd,
    DeviceScriptManagerReg,
    JDBus,
    type JDRegister,
    type JDService,
    OutPipe,
    REPORT_RECEIVE,
    SettingsClient,
    SRV_DEVICE_SCRIPT_MANAGER,
    SRV_SETTINGS,
    SRV_WIFI,
    TRANSPORT_ERROR,
    type Transport,
    WifiCmd,
} from "jacdac-ts"
import { DeployError } from "./error"

export interface Deployment {
    image: Uint8Array
    settings: ReadonlyMap<string, Uint8Array | undefined>
    /** The board's identifier, or the end of it; undefined for the only board on the bus. */
    device: string | undefined
    /** Longest wait for a board to appear, and for each of its answers, ms. */
    patience: number
    /** Says what is going on; `part`, from 0 to 1, how much of it is done. */
    onProgress: (what: string, part?: number) => void
}

/** Devices announce themselves every half second. */
const ANNOUNCED = 1200
/** Between two looks, ms. */
const LOOK = 20
/** A question is put again after so many looks, and given up after the others. */
const ASK = 10
const MOST_LOOKS = 3000
/** By then a program runs, or has failed, ms. */
const STARTED = 300
const WIFI = ["WIFI_SSID", "WIFI_PWD"]

/** Gives the identifier of the board. Throws a DeployError when something of it cannot be done. */
export async function deploy(transport: Transport, deployment: Deployment): Promise<string> {
    const { onProgress, patience } = deployment
    const bus = new JDBus([transport], { client: false, disableRoleManager: true, proxy: true })
    bus.passive = false
    bus.autoConnect = false
    let failure: unknown
    bus.on(TRANSPORT_ERROR, ({ exception }: { exception: unknown }) => {
        failure ??= exception
    })
    try {
        onProgress("connecting")
        bus.start()
        await within(bus.connect(), patience, "the connection to the board does not come up")
        if (failure !== undefined) throw failure
        if (!bus.connected) throw new DeployError("the connection to the board does not come up")
        onProgress("looking for the board")
        const manager = await findManager(bus, deployment)
        await new Installation(manager, deployment).run()
        return manager.device.deviceId
    } catch (error) {
        if (error instanceof DeployError) throw error
        throw new DeployError((error as Error).message)
    } finally {
        await bus.disconnect().catch(() => {})
        await bus.stop()
    }
}

/** Waits until all boards have had the time to say that they are there. */
async function findManager(bus: JDBus, { device, patience }: Deployment): Promise<JDService> {
    const all = () => bus.services({ serviceClass: SRV_DEVICE_SCRIPT_MANAGER, lost: false })
    const began = Date.now()
    const fits = ({ device: { deviceId, shortId } }: JDService) =>
        device === undefined || deviceId.endsWith(device.toLowerCase()) || shortId === device.toUpperCase()
    while (Date.now() - began < patience) {
        await sleep(LOOK)
        const found = all().filter(fits)
        if (found.length === 0 || Date.now() - began < ANNOUNCED) continue
        if (found.length === 1) return found[0]
        throw new DeployError(
            `${found.length} boards are on this bus: choose one by --device; there is ${names(found)}`
        )
    }
    const others = all()
    if (others.length > 0)
        throw new DeployError(`there is no board ${device} on this bus, but ${names(others)}`)
    throw new DeployError(
        `no board with DeviceScript answers within ${patience / 1000} s: is its firmware on it (npx devicescript flash)?`
    )
}

function names(managers: readonly JDService[]): string {
    return managers.map(({ device: { deviceId, shortId } }) => `${deviceId} (${shortId})`).join(", ")
}

/** One board, one program. */
class Installation {
    private readonly running: JDRegister
    private readonly autostart: JDRegister
    private readonly sha: JDRegister
    /** When the board last took a part of the program. */
    private answered = 0

    constructor(
        private readonly manager: JDService,
        private readonly deployment: Deployment
    ) {
        this.running = manager.register(DeviceScriptManagerReg.Running)
        this.autostart = manager.register(DeviceScriptManagerReg.Autostart)
        this.sha = manager.register(DeviceScriptManagerReg.ProgramSha256)
    }

    async run(): Promise<void> {
        const { image, settings } = this.deployment
        // a program that runs may hold what the settings are written to, and may be the one that restarts the board
        await this.step("stopping the old program", async () => {
            await set(this.autostart, false)
            await set(this.running, false)
        })
        if (await this.has(image)) this.deployment.onProgress("the board has this program already")
        else await this.send(image)
        if (settings.size > 0) await this.step("sending settings", () => this.configure(settings))
        await this.step("starting the program", async () => {
            await set(this.autostart, true)
            await this.running.sendSetBoolAsync(true)
            await sleep(STARTED)
            await asked(this.running)
        })
        if (this.running.boolValue) return
        throw new DeployError(
            "the board has the program, but it does not run: npx devicescript devtools --serial --logging shows what it says"
        )
    }

    private async send(image: Uint8Array): Promise<void> {
        const { onProgress } = this.deployment
        this.answered = Date.now()
        const what = `sending the program, ${image.length.toLocaleString("en")} bytes`
        onProgress(what, 0)
        const sent = OutPipe.sendBytes(this.manager, DeviceScriptManagerCmd.DeployBytecode, image, part => {
            this.answered = Date.now()
            onProgress(what, part)
        })
        await this.unlessSilent(sent, what)
        if (await this.has(image)) return
        throw new DeployError(
            "the board did not take the program: it has another one now, or none. Is its firmware as new as this CLI's?"
        )
    }

    /** Waits for as long as there are answers. */
    private async unlessSilent(done: Promise<void>, what: string): Promise<void> {
        const { patience } = this.deployment
        let over = false
        const end = done.then(
            () => undefined,
            (error: Error) =>
                new DeployError(`the board stopped answering while ${what} (${error.message}): try again`)
        )
        const watch = async () => {
            while (!over && Date.now() - this.answered < patience) await sleep(LOOK)
            return new DeployError(
                `the board does not answer for ${patience / 1000} s while ${what}: try again`
            )
        }
        const failed = await Promise.race([end, watch()])
        over = true
        if (failed !== undefined) throw failed
    }

    /** Whether the program on the board is this one. */
    private async has(image: Uint8Array): Promise<boolean> {
        let same = false
        await this.step("looking at the program on the board", async () => {
            await asked(this.sha)
            const hash = createHash("sha256").update(image).digest("hex")
            same = Buffer.from(this.sha.data ?? []).toString("hex") === hash
        })
        return same
    }

    private async configure(settings: Deployment["settings"]): Promise<void> {
        const { device } = this.manager
        const [service] = device.services({ serviceClass: SRV_SETTINGS })
        const own = [...settings].filter(([key]) => !WIFI.includes(key))
        if (service === undefined && own.length > 0) {
            throw new DeployError(`the board keeps no settings, but there are ${own.length} for it`)
        }
        if (service !== undefined) {
            const client = new SettingsClient(service)
            for (const [key, value] of own) await client.setValue(key, value)
        }
        const ssid = settings.get("WIFI_SSID")
        if (ssid === undefined) return
        const password = settings.get("WIFI_PWD")
        for (const wifi of device.services({ serviceClass: SRV_WIFI })) {
            const values = [textOf(ssid), password === undefined ? "" : textOf(password)]
            await wifi.sendCmdPackedAsync(WifiCmd.AddNetwork, values, true)
        }
    }

    private async step(what: string, work: () => Promise<void>): Promise<void> {
        const { onProgress, patience } = this.deployment
        onProgress(what)
        await within(
            work(),
            patience,
            `the board does not answer while ${what}: unplug it, plug it in and try again`
        )
    }
}

/** Sets a register until it has the value: nothing of this is acknowledged. */
async function set(register: JDRegister, value: boolean): Promise<void> {
    for (let tries = 0; tries < MOST_LOOKS; tries++) {
        await register.sendSetBoolAsync(value)
        await asked(register)
        if (register.boolValue === value) return
        await sleep(LOOK)
    }
}

/** Has a register's value told anew. */
async function asked(register: JDRegister): Promise<void> {
    let told = false
    register.once(REPORT_RECEIVE, () => {
        told = true
    })
    for (let looks = 0; !told; looks++) {
        if (looks % ASK === 0) await register.sendGetAsync()
        await sleep(LOOK)
        if (looks > MOST_LOOKS) return
    }
}

function textOf(value: Uint8Array): string {
    return String(JSON.parse(new TextDecoder().decode(value)))
}

/** Rejects when the work is not done in time. */
async function within(work: Promise<void>, ms: number, why: string): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new DeployError(why)), ms)
    })
    try {
        await Promise.race([work, late])
    } catch (error) {
        if (error instanceof DeployError) throw error
        throw new DeployError(`${why} (${(error as Error).message})`)
    } finally {
        clearTimeout(timer)
    }
}

function sleep(ms: number): Promise<void> {
    return new Promise(resolve => setTimeout(resolve, ms))
}
