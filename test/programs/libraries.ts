// The runtime's own libraries, from the sources that the compiler leaves in node_modules, on either runtime.

import "../../boards/host/pipe"
import * as ds from "@devicescript/core"
import { decrypt, encrypt, hmac, sha256Hkdf } from "@devicescript/crypto"
import { digitalRead, pinMode } from "@devicescript/gpio"
import { connect } from "@devicescript/net"
import { spi } from "@devicescript/spi"
import { pins } from "@dsboard/w5500_evb_pico"

async function bus(): Promise<void> {
    spi.configure({ miso: pins.W5500_MISO, mosi: pins.W5500_MOSI, sck: pins.W5500_SCK, hz: 20000000 })
    pinMode(pins.W5500_CS, ds.GPIOMode.OutputLow)
    const answer = await spi.transfer(hex`0102ff`)
    pins.W5500_CS.write(1)
    console.log("answer", answer)
    pinMode(pins.W5500_INT, ds.GPIOMode.Input)
    console.log("interrupt", digitalRead(pins.W5500_INT))
    try {
        await spi.write(hex`01`)
    } catch (e: unknown) {
        console.log((e as Error).name)
    }
    try {
        pins.W5500_INT.write(1)
    } catch (e: unknown) {
        console.log((e as Error).name)
    }
}

function secrets(): void {
    const key = hmac("key", "sha256", "x")
    const iv = key.slice(0, 13)
    const secret = encrypt({ data: hex`00112233`, algo: "aes-256-ccm", key, iv, tagLength: 4 })
    console.log(secret, sha256Hkdf(key, "info"))
    console.log(decrypt({ data: secret, algo: "aes-256-ccm", key, iv, tagLength: 4 }))
    secret[0] = secret[0] ^ 1
    try {
        decrypt({ data: secret, algo: "aes-256-ccm", key, iv, tagLength: 4 })
    } catch (e: unknown) {
        console.log((e as Error).message)
    }
}

interface Backend {
    _socketOpen(host: string, port: number): number
    _socketWrite(data: ds.Buffer | string): number
    _socketClose(): number
    _socketOnEvent(event: string, data?: ds.Buffer): void
}

/** @devicescript/net over another backend: one that sends everything back after a while. */
async function sockets(): Promise<void> {
    const backend = ds as unknown as Backend
    backend._socketOpen = (host, port) => {
        console.log("open", host, port)
        const opened = async () => {
            await ds.sleep(7)
            backend._socketOnEvent("open")
        }
        opened.start()
        return 0
    }
    backend._socketWrite = data => {
        const echo = async (bytes: ds.Buffer) => {
            await ds.sleep(3)
            backend._socketOnEvent("data", bytes)
        }
        echo.start(typeof data === "string" ? ds.Buffer.from(data) : data.slice())
        return 0
    }
    backend._socketClose = () => 0
    const socket = await connect({ host: "10.0.0.1", port: 7 })
    console.log("connected", ds.millis())
    await socket.send("hello\nworld")
    console.log(await socket.readLine(), ds.millis())
    console.log(await socket.recv(100))
    console.log(await socket.recv(10), ds.millis())
    await socket.close()
}

await bus()
secrets()
await sockets()
console.log("end", ds.millis())
