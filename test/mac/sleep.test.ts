// The wait of drivers on the ESP32: polls while frames move, sleeps when none has for 100 ms.

import { expect, test } from "vitest"
import { output, RUNTIMES } from "../sim/support"

test.each(RUNTIMES)("a driver's fiber sleeps only while the line is quiet, on %s", async runtime => {
    const printed = await output(runtime, "sleeping", 2000)
    expect(printed.map(line => line.replace(/^\d+ log /, ""))).toEqual([
        "the host's wait stays true",
        "just started 0",
        "quiet 10",
        "quiet, short 3",
        "a frame came 0",
        "99 ms later 0",
        "100 ms later 10",
        "a frame went 0",
        "woken after 4 ms 4",
        "woken true",
        "woken before 0",
        "not woken 10",
    ])
})
