import { describe, expect, it } from "vitest"
import type { Reply } from "../../sim/device/device"
import { RealClock } from "../../sim/time/clock"
import { bench, RUNTIMES } from "./support"

describe.each(RUNTIMES)("a device on %s", runtime => {
    it("wires pins and SPI to the chip and hands over the boot options", async () => {
        const { clock, chip, log, device } = await bench(runtime, "board", { boot: { answer: 42 } })
        await clock.runUntil(50)
        device.stop()
        expect(chip.seen).toEqual([
            "select 1",
            "reset 1",
            "select 1",
            "reset 0",
            "reset 1",
            "select 0",
            "transfer 1,2,3",
            "select 1",
        ])
        expect(JSON.parse(log[0].replace(/^10 log /, ""))).toMatchObject({ answer: 42 })
        expect(log.slice(1)).toEqual(["12 log [Buffer[3] fefdfc]", "12 log undefined 1"])
    })

    it("runs command lines one after the other, each with its reply", async () => {
        const { clock, device } = await bench(runtime, "board")
        const replies: Promise<Reply>[] = []
        for (const line of ["echo one two", "sleep 30", "echo  größer", "nonsense", "throw"]) {
            replies.push(device.command(line))
        }
        await clock.runUntil(500)
        expect(await Promise.all(replies)).toEqual([
            { lines: ["one", "two"], status: 0 },
            { lines: [], status: 0 },
            { lines: ["", "größer"], status: 0 },
            { lines: ["what is nonsense?"], status: 1 },
            { lines: ["RangeError: no such thing"], status: 1 },
        ])
        device.stop()
    })

    it("passes event records of the stack on", async () => {
        const { clock, device, events } = await bench(runtime, "board")
        const replies = [device.command("event 0102ff"), device.command("event 00")]
        await clock.runUntil(100)
        expect(await Promise.all(replies)).toHaveLength(2)
        expect(events).toEqual(["0102ff", "00"])
        device.stop()
    })

    it("sleeps until the next event when it waits for a frame", async () => {
        const { clock, device } = await bench(runtime, "board")
        await clock.runUntil(40)
        const idle = async (ms: number, event?: number) => {
            const reply = device.command(`idle ${ms}`)
            if (event !== undefined) clock.at(clock.now() + event, () => {})
            let slept = ""
            void reply.then(({ lines }) => {
                slept = lines[0]
            })
            await clock.runUntil(() => slept !== "", clock.now() + 1000)
            return Number(slept)
        }
        expect(await idle(7)).toBe(7)
        // commands are asked for every 20 ms, so the event is still to come then
        expect(await idle(500, 27.3)).toBeLessThan(28)
        expect(await idle(0)).toBe(1)
        device.stop()
    })

    it("ends a wait for frames when a program wakes it", async () => {
        const { clock, device } = await bench(runtime, "board")
        const reply = device.command("wake")
        await clock.runUntil(200)
        expect((await reply).lines).toEqual(["3"])
        device.stop()
    })

    it("shows the program the interrupt pin, and refuses two transfers at once", async () => {
        const { clock, chip, device } = await bench(runtime, "board")
        await clock.runUntil(40)
        const replies = [device.command("interrupt"), device.command("both")]
        chip.interrupt = 0
        await clock.runUntil(200)
        expect((await Promise.all(replies)).map(reply => reply.lines)).toEqual([
            ["0"],
            ["RangeError: SPI busy"],
        ])
        device.stop()
    })

    it("rejects commands when it is stopped", async () => {
        const { clock, device } = await bench(runtime, "failures", { boot: { how: "throw" } })
        await clock.runUntil(11)
        const reply = device.command("anything")
        const settled = expect(reply).rejects.toThrow("the program ended: RangeError: on purpose")
        await clock.runUntil(100)
        await settled
        await expect(device.command("more")).rejects.toThrow("on purpose")
        const other = await bench(runtime, "board")
        const stopped = expect(other.device.command("echo")).rejects.toThrow("the device was stopped")
        other.device.stop()
        await stopped
    })

    it("ends the run when the versions of program and host differ", async () => {
        const { clock } = await bench(runtime, "failures", { boot: { how: "misuse the pipe" } })
        await expect(clock.runUntil(100)).rejects.toThrow(
            "pipe: the program wrote 3 bytes that are not a message"
        )
    })

    it("runs in real time", async () => {
        const clock = new RealClock()
        const { device, log } = await bench(runtime, "board", { clock, controlled: true })
        let reply: Reply | undefined
        void device.command("echo hello").then(value => {
            reply = value
        })
        await clock.runUntil(() => reply !== undefined && log.length === 3, 20_000)
        expect(reply).toEqual({ lines: ["hello"], status: 0 })
        expect(log).toHaveLength(3)
        device.stop()
    })
})
