// Sends a program and its settings to a board, over the services that DeviceScript's firmware offers on its Jacdac bus.

import { createHash } from "node:crypto"
import {
    DeviceScriptManagerCmd,
    DeviceScriptManagerReg,
    type JDBus,
    type JDRegister,
    type JDService,
    OutPipe,
    REPORT_RECEIVE,
    SettingsClient,
    SRV_DEVICE_SCRIPT_MANAGER,
    SRV_SETTINGS,
    SRV_WIFI,
    type Transport,
    WifiCmd,
} from "jacdac-ts"
import {
    asDeployError,
    closeBus,
    isWanted,
    LOOK,
    names,
    notFound,
    onlyService,
    openBus,
    sleep,
    within,
} from "./bus"
import { DeployError } from "./error"

interface Deployment {
    image: Uint8Array
    settings: ReadonlyMap<string, Uint8Array | undefined>
    /** The board's identifier, the end of that, or its short name; undefined for the only board on the bus. */
    device: string | undefined
    /** The longest wait for a board to appear, and for each of its answers, ms. */
    patience: number
    /** Receives the current step; `part`, from 0 to 1, says how much of it is done. */
    onProgress: (what: string, part?: number) => void
}

/** The number of checks after which a register is asked for again. */
const ASK = 10
/** The number of checks after which a register is given up. */
const MOST_LOOKS = 3000
/** The time after which a program runs, or has failed, ms. */
const STARTED = 300
const WIFI = ["WIFI_SSID", "WIFI_PWD"]

/** Sends a program and its settings; returns the board's identifier. Throws a DeployError when that fails. */
export async function deploy(transport: Transport, deployment: Deployment): Promise<string> {
    const { onProgress, patience } = deployment
    onProgress("connecting")
    const bus = await openBus(transport, patience)
    try {
        onProgress("looking for the board")
        const manager = await findManager(bus, deployment)
        await new Installation(manager, deployment).run()
        return manager.device.deviceId
    } catch (error) {
        throw asDeployError(error)
    } finally {
        await closeBus(bus)
    }
}

/** Returns the service of the board that the deployment asks for, once all boards have had time to announce themselves. */
async function findManager(bus: JDBus, { device, patience }: Deployment): Promise<JDService> {
    const all = () => bus.services({ serviceClass: SRV_DEVICE_SCRIPT_MANAGER, lost: false })
    const found = await onlyService(
        () => all().filter(({ device: own }) => isWanted(own, device)),
        patience,
        several =>
            `${several.length} boards are on this bus: choose one by --device; they are ${names(several)}`
    )
    if (found === undefined) throw notFound(all(), device, patience)
    return found
}

/** Installs one program on one board. */
class Installation {
    private readonly running: JDRegister
    private readonly autostart: JDRegister
    private readonly sha: JDRegister
    /** Time at which the board last accepted a part of the program, ms. */
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
        // a running program may use the flash of the settings, and may restart the board
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
            "the board has the program, but the program does not run: npx devicescript devtools --serial --logging shows its output"
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
            "the board did not accept the program: it has another one now, or none. Is its firmware as new as this command line tool?"
        )
    }

    /** Waits for the end of `done` as long as the board answers. */
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
                `the board has not answered for ${patience / 1000} s while ${what}: try again`
            )
        }
        const failed = await Promise.race([end, watch()])
        over = true
        if (failed !== undefined) throw failed
    }

    /** Returns true when the board has this program. */
    private async has(image: Uint8Array): Promise<boolean> {
        let same = false
        await this.step("comparing the program on the board", async () => {
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
            throw new DeployError(
                `the firmware of the board has no service for settings, but there are ${own.length} settings`
            )
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

/** Writes a register until it has the value, because the board acknowledges no write. */
async function set(register: JDRegister, value: boolean): Promise<void> {
    for (let tries = 0; tries < MOST_LOOKS; tries++) {
        await register.sendSetBoolAsync(value)
        await asked(register)
        if (register.boolValue === value) return
        await sleep(LOOK)
    }
}

/** Asks the board for the current value of a register, and waits for it. */
async function asked(register: JDRegister): Promise<void> {
    let reported = false
    register.once(REPORT_RECEIVE, () => {
        reported = true
    })
    for (let looks = 0; !reported; looks++) {
        if (looks % ASK === 0) await register.sendGetAsync()
        await sleep(LOOK)
        if (looks > MOST_LOOKS) return
    }
}

function textOf(value: Uint8Array): string {
    return String(JSON.parse(new TextDecoder().decode(value)))
}
