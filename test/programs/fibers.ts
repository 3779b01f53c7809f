// Fibers, timers and events: the VM and its stand-in have to print the same lines at the same times.

import * as ds from "@devicescript/core"

function note(text: string): void {
    console.log(ds.millis(), text)
}

async function nothing(): Promise<number> {
    return 1
}

/** Fibers run one at a time: awaiting what does not sleep lets nobody else run. */
async function busy(name: string): Promise<void> {
    for (let i = 0; i < 3; i++) {
        note(`${name} ${i}`)
        await nothing()
        note(`${name} ${i} still`)
        await ds.sleep(0)
    }
}

async function sleepers(): Promise<void> {
    busy.start("a")
    busy.start("b")
    note("both started")
    await busy("main")
    const nap = async (name: string, ms: number) => {
        await ds.sleep(ms)
        note(`${name} woke`)
    }
    nap.start("twelve", 12)
    nap.start("three", 3)
    nap.start("three again", 3)
    nap.start("none", 0)
    nap.start("less", -5)
    nap.start("fraction", 2.9)
    await ds.sleep(20)
}

async function suspensions(): Promise<void> {
    const waiter = async (ms: number) => {
        const value = await ds.suspend<string>(ms)
        note(`suspend gave ${value}`)
    }
    const first = waiter.start(100)
    const second = waiter.start(5)
    await ds.sleep(2)
    note(`suspended: ${first.suspended}`)
    first.resume("a value")
    await ds.sleep(10)
    const third = waiter.start(5)
    await ds.sleep(1)
    third.terminate()
    const self = async () => {
        note("before")
        ds.Fiber.self().terminate()
        note("never")
    }
    self.start()
    await ds.sleep(10)
    try {
        ds.Fiber.self().resume(1)
    } catch (e: unknown) {
        note((e as Error).name)
    }
    note(`second is over: ${second !== first}`)
}

async function timers(): Promise<void> {
    setTimeout(() => note("timeout 5"), 5)
    setTimeout(() => note("timeout 3"), 3)
    const forgotten = setTimeout(() => note("forgotten"), 4)
    clearTimeout(forgotten)
    let left = 4
    const id = setInterval(async () => {
        note("interval")
        if (--left === 0) clearInterval(id)
        // longer than the period
        if (left === 2) await ds.sleep(15)
    }, 10)
    await ds.sleep(100)
}

async function events(): Promise<void> {
    const source = ds.emitter<number>()
    const off = source.subscribe(async value => {
        note(`seen ${value}`)
        await ds.sleep(3)
    })
    source.emit(1)
    source.emit(2)
    source.emit(3)
    await ds.sleep(1)
    // the handler is busy: only the newest of these reaches it
    source.emit(4)
    source.emit(5)
    await ds.sleep(10)
    off()
    source.emit(6)
    const later = async () => {
        await ds.sleep(4)
        source.emit(7)
    }
    later.start()
    note(`waited for ${await ds.wait(source, 100)}`)
    note(`waited for ${await ds.wait(source, 5)}`)
}

async function failures(): Promise<void> {
    const fails = async () => {
        await ds.sleep(1)
        throw new RangeError("on purpose")
    }
    try {
        await fails()
    } catch (e: unknown) {
        note(`caught ${(e as Error).name}: ${(e as Error).message}`)
    } finally {
        note("finally")
    }
    ds.assert(true)
}

await sleepers()
await suspensions()
await timers()
await events()
await failures()
note("end")
