// A driver's wait as it is on an ESP32: the simulator's own is taken out.

import "../../boards/host/pipe"
import * as ds from "@devicescript/core"
import { type Mac, MacCounter } from "../../src/mac/mac"
import { power } from "../../src/mac/poll-wait"
import { sleepWhenQuiet } from "../../src/mac/sleep"

const counters = ds.Buffer.alloc(MacCounter.Size)
const mac: Partial<Mac> = { counters }

const before = ds.millis()
sleepWhenQuiet(mac as Mac)
await power.idle(60)
console.log("the host's wait stays", ds.millis() - before > 20)

power.hosted = false
sleepWhenQuiet(mac as Mac)

/** Prints how long a wait of `ms` lasts. */
async function wait(name: string, ms: number): Promise<void> {
    await ds.sleep(0)
    const before = ds.millis()
    await power.idle(ms)
    console.log(name, ds.millis() - before)
}

await wait("just started", 50)
await ds.sleep(100)
await wait("quiet", 50)
await wait("quiet, short", 3)
counters.setAt(MacCounter.FramesIn, "i32", 1)
await wait("a frame came", 50)
await ds.sleep(99)
await wait("99 ms later", 50)
await ds.sleep(1)
await wait("100 ms later", 50)
counters.setAt(MacCounter.FramesOut, "i32", 1)
await wait("a frame went", 50)
await ds.sleep(150)
const wake = async () => {
    await ds.sleep(4)
    power.wake()
}
wake.start()
await wait("woken after 4 ms", 50)
console.log("woken", power.woken)
await wait("woken before", 50)
power.woken = false
await wait("not woken", 50)
