import { describe, expect, test } from "vitest"
import { withKernel } from "./support/bed"
import { pattern, whole } from "./support/data"

const MANY = { vm: 8, node: 50 } as const
const SIZES = [1, 2, 511, 512, 513, 1023, 1024, 1025, 1459, 1460, 1461, 10_000, 100_000]
const LARGE = "connections=60,halfOpen=60,receiveBuffer=65535,sendBuffer=65535"

withKernel("data to and from the Linux kernel", bed => {
    describe.each(["vm", "node"] as const)("with the device on %s", runtime => {
        test(`1 to 100,000 bytes are echoed to the kernel as they were sent: ${SIZES.join(", ")}`, async () => {
            await bed().server(runtime)
            for (const size of SIZES) {
                const seed = `${runtime} ${size}`
                const back = await bed().kernel.echo(7, seed, size)
                expect(back).toEqual(whole(pattern(seed, size)))
            }
        })

        test("1 MB is echoed to the kernel as it was sent", async () => {
            await bed().server(runtime)
            expect(await bed().kernel.echo(7, "million", 1e6)).toEqual(whole(pattern("million", 1e6)))
        })

        test("100 KB sent by a client on the device reach the kernel as they were sent", async () => {
            const device = await bed().driven(runtime)
            const port = bed().port()
            const listener = await bed().kernel.listen(port)
            const id = await device.connect(port)
            const socket = await listener.accept()
            await device.reaches(id, "ESTABLISHED")
            const receiving = socket.receive()
            const text = await device.send(id, 1e5)
            await device.ask(`close ${id}`)
            expect(await receiving).toEqual(whole(text))
            await listener.close()
        })

        test("data of the kernel to a client on the device arrives as it was sent", async () => {
            const device = await bed().driven(runtime)
            for (const size of [...SIZES, ...(runtime === "node" ? [200_000] : [])]) {
                const port = bed().port()
                const listener = await bed().kernel.listen(port)
                const id = await device.connect(port)
                const socket = await listener.accept()
                const reading = device.read(id)
                await socket.send(`to ${runtime}`, size)
                await socket.shut()
                expect(whole(await reading)).toEqual(whole(pattern(`to ${runtime}`, size)))
                await device.ask(`close ${id}`)
                expect((await socket.receive()).end).toBe(true)
                await socket.close()
                await listener.close()
            }
        })

        test(`${MANY[runtime]} connections of the kernel at once each get their own bytes back`, async () => {
            await bed().server(runtime, ...(runtime === "node" ? ["--config", LARGE] : []))
            const seeds = Array.from({ length: MANY[runtime] }, (_, i) => `${runtime} ${i}`)
            const all = await Promise.all(seeds.map(seed => bed().kernel.echo(7, seed, 20_000)))
            expect(all).toEqual(seeds.map(seed => whole(pattern(seed, 20_000))))
        })
    })

    test("10 MB are echoed as they were sent, with rings of 64 KB on node", async () => {
        await bed().server("node", "--config", LARGE)
        expect(await bed().kernel.echo(7, "ten", 1e7)).toEqual(whole(pattern("ten", 1e7)))
    })
})
