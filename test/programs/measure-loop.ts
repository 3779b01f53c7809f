// 1,000 turns of an empty loop: 9 operations a turn, and 10 around them: call 2, first value 2, last test 4, return 2.

import { measure } from "./measure"

function loop(): void {
    for (let i = 0; i < 1000; i++) {}
}

await measure(() => loop())
