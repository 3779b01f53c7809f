import { expect, test } from "vitest"
import { frame } from "./bench"
import { Bench, started } from "./enc28j60-bench"

test("first", async () => {
    const bench = new Bench()
    try {
        await bench.mac.start()
    } catch (e) {
        console.log(bench.chip.misuses)
        throw e
    }
    console.log(bench.clock.now(), bench.mac.linkUp, bench.chip.misuses, bench.selections)
    await bench.arrive(frame(60), frame(1514, 1), frame(200, 2))
    await bench.run(5)
    expect(bench.received).toEqual([frame(60), frame(1514, 1), frame(200, 2)])
    expect(await bench.send(frame(300, 2))).toBe(true)
    expect(await bench.send(frame(60, 3))).toBe(true)
    await bench.run(5000)
    expect(bench.sent).toEqual([frame(300, 2), frame(60, 3)])
    expect(bench.trouble).toEqual({})
    expect(bench.warnings).toEqual([])
    expect(bench.chip.misuses).toEqual([])
})
