// Draws random numbers in all the ways there are.

import * as ds from "@devicescript/core"
import { randomBuffer } from "@devicescript/crypto"

for (let i = 0; i < 5; i++) {
    console.log(ds.millis(), randomBuffer(8), Math.randomInt(1000000), Math.floor(Math.random() * 1000000))
    await ds.sleep(100)
}
console.log(ds.deviceIdentifier("self"))
