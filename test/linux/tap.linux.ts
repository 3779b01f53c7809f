import { spawnSync } from "node:child_process"
import { existsSync } from "node:fs"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { openTap } from "../../sim/link/tap"
import { Cli, cli } from "../cli/cli"
import { missing, Namespace } from "./support/namespace"

/** A device on that link, once it serves. */
async function serving(link: string): Promise<Cli> {
    const device = new Cli("--runtime", "node", "--link", link)
    await device.until(stdout => stdout.includes("serves echo"))
    return device
}

describe.skipIf(missing() !== undefined)("a TAP device", () => {
    let namespace: Namespace
    beforeAll(() => {
        namespace = new Namespace()
    })
    afterAll(async () => await namespace.remove())

    /** Returns what `ip` shows of a device in the namespace: whether it is up, and its address. */
    function shown(name: string): { up: boolean; address: string | undefined } | undefined {
        const { status, stdout } = namespace.run("ip", "address", "show", name)
        if (status !== 0) return undefined
        return { up: /[<,]UP[,>]/.test(stdout), address: /inet (\S+)/.exec(stdout)?.[1] }
    }

    /** Waits until the kernel has removed a device that no process has open. */
    async function gone(name: string): Promise<void> {
        while (shown(name) !== undefined) await new Promise(resolve => setTimeout(resolve, 10))
    }

    test.each([
        ["", "10.0.0.1/24"],
        ["=10.0.0.77/16", "10.0.0.77/16"],
    ])(
        "is made with the address that %j stands for (%s), and is removed with the link",
        async (address, expected) => {
            const link = await openTap(`tap:t1@${namespace.name}${address}`, { ip: "10.0.0.1", prefix: 24 })
            expect(shown("t1")).toEqual({ up: true, address: expected })
            // this process has not moved to the namespace
            expect(existsSync("/sys/class/net/t1")).toBe(false)
            await link.close()
            await gone("t1")
        }
    )

    test("that existed before keeps its address and stays", async () => {
        namespace.must("ip", "tuntap", "add", "t2", "mode", "tap")
        namespace.must("ip", "address", "add", "10.9.9.9/24", "dev", "t2")
        const link = await openTap(`tap:t2@${namespace.name}`, { ip: "10.0.0.1", prefix: 24 })
        expect(shown("t2")).toEqual({ up: true, address: "10.9.9.9/24" })
        await link.close()
        expect(shown("t2")).toMatchObject({ address: "10.9.9.9/24" })
        namespace.must("ip", "link", "del", "t2")
    })

    test("carries frames of every length both ways", async () => {
        const link = await openTap(`tap:t3@${namespace.name}`, { ip: "10.0.0.1", prefix: 24 })
        const arps: Uint8Array[] = []
        const port = link.attach({
            name: "station",
            receive: frame => {
                if (frame[12] === 8 && frame[13] === 6) arps.push(frame)
            },
        })
        const pinging = namespace.finish("ping", "-c", "1", "-W", "1", "10.0.0.2")
        expect((await pinging).code).toBe(1)
        expect(arps[0]?.length).toBe(42)
        const before = Number(namespace.must("cat", "/sys/class/net/t3/statistics/rx_packets"))
        for (let length = 14; length <= 1514; length++) port.send(new Uint8Array(length))
        expect(link.counters).toMatchObject({ sent: 1501, queueDrops: 0 })
        const after = Number(namespace.must("cat", "/sys/class/net/t3/statistics/rx_packets"))
        expect(after - before).toBe(1501)
        await link.close()
    })

    test.each(["SIGTERM", "SIGINT", "SIGKILL"] as const)(
        "is removed at once when the run ends by %s",
        async signal => {
            const device = await serving(`tap:t4@${namespace.name}`)
            expect(shown("t4")?.up).toBe(true)
            device.signal(signal)
            expect(await device.ended).toBe(signal === "SIGKILL" ? signal : 0)
            await gone("t4")
        }
    )

    test("that is removed ends the run with one line and exit code 1", async () => {
        const device = await serving(`tap:t5@${namespace.name}`)
        namespace.must("ip", "link", "del", "t5")
        expect(await device.ended).toBe(1)
        expect(device.stderr).toBe("the link ended: the TAP device t5 was removed\n")
    })

    test("that another program has open is refused", async () => {
        const link = await openTap(`tap:t6@${namespace.name}`, undefined)
        const second = await cli("--runtime", "node", "--link", `tap:t6@${namespace.name}`)
        const why = "another program has the device open; use another name"
        expect(second).toMatchObject({ code: 1, stderr: `cannot open tap:t6@${namespace.name}: ${why}\n` })
        await link.close()
    })

    test("that is another kind of device is refused", async () => {
        await expect(openTap(`tap:lo@${namespace.name}`, undefined)).rejects.toThrow(
            /the network device lo is not a TAP device; use another name$/
        )
    })

    test("without the right to open it is refused with what to do", async () => {
        // the loader is looked for from where the module is; nobody may not be allowed to look there
        const script = [
            'import("./sim/link/tap.ts").then(async ({ openTap }) => {',
            "    process.setgroups([])",
            "    process.setgid(65534)",
            "    process.setuid(65534)",
            '    await openTap("tap:t7", undefined).catch(error => console.log(error.message))',
            "})",
        ].join("\n")
        const words = ["--import", "tsx", "--input-type=module", "--eval", script]
        const { stdout } = spawnSync(process.execPath, words, { encoding: "utf8", timeout: 30_000 })
        expect(stdout).toMatch(
            /^cannot open tap:t7: permission denied; run as root, or .*ip tuntap add t7 .* tap:t7\n$/
        )
    })
})
