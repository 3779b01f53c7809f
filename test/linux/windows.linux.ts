import { describe, expect, test } from "vitest"
import { withKernel } from "./support/bed"
import { pause } from "./support/controlled"
import { whole } from "./support/data"

withKernel("windows shut and open again", bed => {
    describe.each(["vm", "node"])("with the device on %s", runtime => {
        test("a device that does not read for 1.5 s receives all 50,000 bytes afterwards", async () => {
            const device = await bed().driven(runtime)
            const listener = await device.listen(99)
            const socket = await bed().kernel.connect(99)
            const id = await device.accept(listener)
            const sending = socket.send("shut", 50_000)
            // long enough for the kernel to ask whether the window is open again
            await pause(1500)
            const receiving = device.receive(id)
            await sending
            await socket.shut()
            expect(await receiving).toEqual({ length: 50_000, end: "eof" })
            await device.ask(`close ${id}`)
            expect(await socket.receive()).toEqual(whole(""))
        })

        test("a kernel that does not read for 3.5 s receives all 30,000 bytes afterwards", async () => {
            const device = await bed().driven(runtime)
            const port = bed().port()
            const listener = await bed().kernel.listen(port, ["SOL_SOCKET", "SO_RCVBUF", 4096])
            const id = await device.connect(port)
            const socket = await listener.accept()
            await device.reaches(id, "ESTABLISHED")
            const sending = device.send(id, 30_000)
            // long enough for the device to ask more than once
            await pause(3500)
            const receiving = socket.receive()
            const text = await sending
            await device.ask(`close ${id}`)
            expect(await receiving).toEqual(whole(text))
            await listener.close()
        })

        test("a device that reads 50 bytes at a time from a window of 200 receives all", async () => {
            const device = await bed().driven(runtime)
            const listener = await device.listen(99)
            await device.ask(`rcvbuf ${listener} 200`)
            const socket = await bed().kernel.connect(99)
            const id = await device.accept(listener)
            const sending = socket.send("little", 5000)
            for (let taken = 0; taken < 5000; taken += 50) await device.take(id, 50)
            await sending
            await socket.shut()
            expect(await device.receive(id)).toEqual({ length: 0, end: "eof" })
        })
    })
})
