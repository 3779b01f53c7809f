import { describe, expect, test } from "vitest"
import { type Bed, withKernel } from "./support/bed"
import { type Controlled, pause } from "./support/controlled"
import { whole } from "./support/data"
import type { KernelSocket } from "./support/kernel"

interface Pair {
    device: Controlled
    id: number
    socket: KernelSocket
}

/** A connection between a device with these options and the kernel, which opened it. */
async function connected(bed: Bed, runtime: string, ...words: string[]): Promise<Pair> {
    const device = await bed.driven(runtime, ...words)
    const listener = await device.listen(99)
    const socket = await bed.kernel.connect(99)
    return { device, id: await device.accept(listener), socket }
}

withKernel("closing against the Linux kernel", bed => {
    describe.each(["vm", "node"])("with the device on %s", runtime => {
        test("a half close by the kernel: the device goes on sending, and all arrives", async () => {
            const { device, id, socket } = await connected(bed(), runtime)
            await socket.send("first", 3000)
            await socket.shut()
            expect(await device.receive(id)).toEqual({ length: 3000, end: "eof" })
            expect(await device.ask(`state ${id}`)).toBe("CLOSE-WAIT")
            const text = await device.send(id, 5000)
            await device.ask(`close ${id}`)
            expect(await socket.receive()).toEqual(whole(text))
            await device.reaches(id, "CLOSED")
        })

        test("a half close by the device: the kernel goes on sending, and all arrives", async () => {
            const { device, id, socket } = await connected(bed(), runtime)
            const text = await device.send(id, 500)
            await device.ask(`shut ${id}`)
            expect(await socket.receive()).toEqual(whole(text))
            await device.reaches(id, "FIN-WAIT-2")
            expect(await socket.info()).toMatchObject({ state: "CLOSE-WAIT" })
            const sending = socket.send("second", 5000)
            await device.take(id, 5000)
            await sending
            await socket.close()
            await device.reaches(id, "TIME-WAIT")
        })

        test("a reset by the kernel is ECONNRESET on the device", async () => {
            const { device, id, socket } = await connected(bed(), runtime)
            await socket.reset()
            await device.reaches(id, "CLOSED")
            await expect(device.ask(`send ${id} 1`)).rejects.toThrow("ECONNRESET")
        })

        test("a reset by the device is ECONNRESET in the kernel", async () => {
            const { device, id, socket } = await connected(bed(), runtime)
            const receiving = expect(socket.receive()).rejects.toThrow("ECONNRESET")
            await device.ask(`abort ${id}`)
            await receiving
        })

        test("data to a device that has closed is answered by a RST", async () => {
            const { device, id, socket } = await connected(bed(), runtime)
            await device.ask(`close ${id}`)
            await socket.send("too late", 100)
            expect(await socket.receive()).toEqual(whole(""))
            // without the reset it would stay in CLOSE-WAIT
            while ((await socket.info()).state !== "CLOSED") await pause()
            await expect(socket.send("again", 100)).rejects.toThrow("EPIPE")
        })

        test("FINs that cross lead through CLOSING to TIME-WAIT", async () => {
            const { device, id, socket } = await connected(bed(), runtime, "--impair", "delay=300")
            await Promise.all([device.ask(`shut ${id}`), socket.shut()])
            // neither has seen the other's FIN when it sends its own
            await device.reaches(id, "CLOSING")
            await device.reaches(id, "TIME-WAIT")
            expect(await socket.receive()).toEqual(whole(""))
        })

        test("the kernel's next connection from the same port ends the device's TIME-WAIT", async () => {
            const { device, id, socket } = await connected(bed(), runtime)
            await device.ask(`close ${id}`)
            expect(await socket.receive()).toEqual(whole(""))
            await socket.close()
            const listener = await device.listen(97)
            const port = bed().port()
            for (let round = 0; round < 3; round++) {
                const again = await bed().kernel.connect(97, port)
                const next = await device.accept(listener)
                await device.ask(`close ${next}`)
                expect(await again.receive()).toEqual(whole(""))
                await again.close()
                await device.reaches(next, "TIME-WAIT")
            }
        })

        test("the device's next connection from the same port ends the kernel's TIME-WAIT", async () => {
            const device = await bed().driven(runtime)
            const port = bed().port()
            const listener = await bed().kernel.listen(port)
            const local = bed().port()
            for (let round = 0; round < 3; round++) {
                const id = await device.connect(port, local)
                const socket = await listener.accept()
                await socket.close()
                expect(await device.receive(id)).toEqual({ length: 0, end: "eof" })
                await device.ask(`close ${id}`)
                await device.reaches(id, "CLOSED")
            }
            await listener.close()
        })

        test("the kernel's keep-alive probes are answered by the device", async () => {
            const device = await bed().driven(runtime)
            const listener = await device.listen(99)
            const socket = await bed().kernel.connect(
                99,
                0,
                ["SOL_SOCKET", "SO_KEEPALIVE", 1],
                ["IPPROTO_TCP", "TCP_KEEPIDLE", 1],
                ["IPPROTO_TCP", "TCP_KEEPINTVL", 1],
                ["IPPROTO_TCP", "TCP_KEEPCNT", 1]
            )
            const id = await device.accept(listener)
            await pause(3500)
            expect(await socket.info()).toMatchObject({ state: "ESTABLISHED" })
            const text = await device.send(id, 10)
            await device.ask(`close ${id}`)
            expect(await socket.receive()).toEqual(whole(text))
        })

        test("the device's keep-alive probes are answered by the kernel, and end with ETIMEDOUT when it is gone", async () => {
            const config = "keepAliveIdle=300,keepAliveInterval=300,keepAliveProbes=3"
            const { device, id, socket } = await connected(bed(), runtime, "--config", config)
            await device.ask(`keepalive ${id} 1`)
            await pause(2000)
            expect(await device.ask(`state ${id}`)).toBe("ESTABLISHED")
            // a kernel that can send nothing is as good as one that lost its power
            bed().namespace.must("ip", "link", "set", "tap0", "down")
            await device.reaches(id, "CLOSED")
            expect(await device.receive(id)).toEqual({ length: 0, end: "ETIMEDOUT" })
            await socket.reset()
        })
    })
})
