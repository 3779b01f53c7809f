import { describe, expect, test } from "vitest"
import { withKernel } from "./support/bed"
import { hashOf, whole } from "./support/data"

withKernel("handshakes with the Linux kernel", bed => {
    describe.each(["vm", "node"])("with the device on %s", runtime => {
        test("the kernel connects to the device: options of both are agreed on", async () => {
            const device = await bed().driven(runtime)
            const listener = await device.listen(99)
            const socket = await bed().kernel.connect(99)
            const id = await device.accept(listener)
            expect(await device.ask(`state ${id}`)).toBe("ESTABLISHED")
            // a scale of 0 is agreed on; the kernel sends no more than half of the largest window at a time
            const agreed = { state: "ESTABLISHED", timestamps: true, sack: true, scaling: true, mss: 512 }
            expect(await socket.info()).toMatchObject(agreed)
        })

        test("the device connects to the kernel: timestamps and SACK are agreed on", async () => {
            const device = await bed().driven(runtime)
            const port = bed().port()
            const listener = await bed().kernel.listen(port)
            const id = await device.connect(port)
            const socket = await listener.accept()
            await device.reaches(id, "ESTABLISHED")
            // the device offers no scale
            const agreed = { state: "ESTABLISHED", timestamps: true, sack: true, scaling: false, mss: 512 }
            expect(await socket.info()).toMatchObject(agreed)
            await listener.close()
        })

        test("a connection to a port without a listener is refused, by either side", async () => {
            const device = await bed().driven(runtime)
            await expect(bed().kernel.connect(98)).rejects.toThrow("ECONNREFUSED")
            const id = await device.connect(98)
            await device.reaches(id, "CLOSED")
            expect(await device.receive(id)).toEqual({ length: 0, end: "ECONNREFUSED" })
        })

        test("a simultaneous open of both carries data and closes", async () => {
            const device = await bed().driven(runtime, "--impair", "delay=300")
            // the kernel has to know the device's address, or its SYN waits for that
            bed().namespace.must("ping", "-c", "1", "10.0.0.2")
            const [there, here] = [bed().port(), bed().port()]
            const id = await device.connect(there, here)
            const [socket] = await Promise.all([
                bed().kernel.connect(here, there),
                device.reaches(id, "SYN-RECEIVED", "ESTABLISHED"),
            ])
            await device.reaches(id, "ESTABLISHED")
            const text = await device.send(id, 500)
            await socket.send("simultaneous", 400)
            await Promise.all([device.ask(`shut ${id}`), socket.shut()])
            expect(await socket.receive()).toEqual(whole(text))
            expect(await device.receive(id)).toEqual({ length: 400, end: "eof" })
        })

        test.each([
            ["no timestamps", "net.ipv4.tcp_timestamps", "timestamps"],
            ["no SACK", "net.ipv4.tcp_sack", "sack"],
        ] as const)(
            "a connection with %s, by the setting of either side, carries data",
            async (_what, variable, key) => {
                for (const side of ["kernel", "device"]) {
                    const words = side === "device" ? ["--config", `${key}=0`] : []
                    const device = await bed().driven(runtime, ...words)
                    const restore = side === "kernel" ? bed().namespace.sysctl(variable, 0) : () => {}
                    const listener = await device.listen(99)
                    const socket = await bed().kernel.connect(99)
                    const id = await device.accept(listener)
                    expect(await socket.info()).toMatchObject({ timestamps: true, sack: true, [key]: false })
                    const text = await device.send(id, 5000)
                    await socket.send("options", 5000)
                    await device.take(id, 5000)
                    await socket.shut()
                    expect(await device.receive(id)).toEqual({ length: 0, end: "eof" })
                    await device.ask(`close ${id}`)
                    expect(await socket.receive()).toEqual(whole(text))
                    await bed().endDevices()
                    restore()
                }
            }
        )

        test("a connection without window scaling echoes 20,000 bytes", async () => {
            const restore = bed().namespace.sysctl("net.ipv4.tcp_window_scaling", 0)
            await bed().server(runtime)
            expect(await bed().kernel.echo(7, "unscaled", 20_000)).toMatchObject({
                length: 20_000,
                end: true,
            })
            restore()
        })

        test("a kernel that offers ECN goes without it", async () => {
            const restore = bed().namespace.sysctl("net.ipv4.tcp_ecn", 1)
            const device = await bed().driven(runtime)
            const listener = await device.listen(99)
            const socket = await bed().kernel.connect(99)
            const id = await device.accept(listener)
            expect(await socket.info()).toMatchObject({ state: "ESTABLISHED", ecn: false })
            const text = await device.send(id, 3000)
            await device.ask(`close ${id}`)
            expect(await socket.receive()).toEqual(whole(text))
            restore()
        })

        test("a kernel that answers by SYN cookies agrees on the options by the timestamp", async () => {
            const restore = bed().namespace.sysctl("net.ipv4.tcp_syncookies", 2)
            const device = await bed().driven(runtime)
            const port = bed().port()
            const listener = await bed().kernel.listen(port)
            const id = await device.connect(port)
            const socket = await listener.accept()
            await device.reaches(id, "ESTABLISHED")
            // a cookie's timestamp carries the options
            expect(await socket.info()).toMatchObject({ timestamps: true, sack: true })
            const text = await device.send(id, 3000)
            expect(await socket.receive(3000)).toMatchObject({ hash: hashOf(text) })
            await listener.close()
            restore()
        })
    })
})
