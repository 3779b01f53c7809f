// The Internet checksum of 1,460 bytes.

import { Buffer } from "@devicescript/core"
import { onesSum } from "../../src/wire/checksum"
import { measure } from "./measure"

const data = Buffer.alloc(1460)

await measure(() => {
    onesSum(data, 0, 1460, 0)
})
