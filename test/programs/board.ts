// A little of everything that goes through the pipe: pins, transfers, events, commands, waits for frames.

import "../../boards/host/pipe"
import "@devicescript/gpio"
import * as ds from "@devicescript/core"
import { spi } from "@devicescript/spi"
import { pins } from "@dsboard/w5500_evb_pico"
import { sink } from "../../src/base/events"
import { boot } from "../../src/boot"
import { lines } from "../../src/device/command-hook"
import { power } from "../../src/mac/poll-wait"

lines.run = async (line, print) => {
    const words = line.split(" ")
    if (words[0] === "echo") {
        for (let i = 1; i < words.length; i++) await print(words[i])
        return 0
    }
    if (words[0] === "sleep") {
        await ds.sleep(parseFloat(words[1]))
        return 0
    }
    if (words[0] === "idle") {
        const before = ds.millis()
        await power.idle(parseFloat(words[1]))
        await print(`${ds.millis() - before}`)
        return 0
    }
    if (words[0] === "wake") {
        const wake = async () => {
            await ds.sleep(3)
            power.wake()
        }
        wake.start()
        const before = ds.millis()
        await power.idle(1000)
        power.woken = false
        await print(`${ds.millis() - before}`)
        return 0
    }
    if (words[0] === "event") {
        sink.tell?.(ds.Buffer.from(words[1], "hex"))
        return 0
    }
    if (words[0] === "interrupt") {
        await spi.transfer(ds.Buffer.from([0]))
        await print(`${pins.W5500_INT.value}`)
        return 0
    }
    if (words[0] === "both") {
        const self = ds.Fiber.self()
        const other = async () => {
            self.resume(undefined)
            await spi.transfer(ds.Buffer.from([1]))
        }
        other.start()
        await ds.suspend()
        // the other fiber's transfer is under way
        await spi.transfer(ds.Buffer.from([2]))
        return 0
    }
    if (words[0] === "throw") throw new RangeError("no such thing")
    await print(`what is ${words[0]}?`)
    return 1
}

console.log(JSON.stringify(boot))
pins.W5500_CS.setMode(ds.GPIOMode.OutputHigh)
pins.W5500_RESET.setMode(ds.GPIOMode.OutputLow)
await ds.sleep(2)
pins.W5500_RESET.write(1)
pins.W5500_INT.setMode(ds.GPIOMode.Input)
pins.W5500_CS.write(0)
console.log(await spi.transfer(ds.Buffer.from([1, 2, 3])))
pins.W5500_CS.write(1)
console.log(pins.W5500_CS.value, pins.W5500_INT.value)
