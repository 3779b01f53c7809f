// The plainest checksum of 1,460 bytes: 16 operations a word.

import { Buffer } from "@devicescript/core"
import { measure } from "./measure"

const data = Buffer.alloc(1460)

function checksum(): number {
    let sum = 0
    for (let i = 0; i < 1460; i += 2) sum += data.getAt(i, "u16")
    return sum
}

await measure(() => {
    checksum()
})
