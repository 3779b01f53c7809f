// 1,000 turns of an empty loop: 9 operations a turn, and 6 around them: first value 2, last test 4. The call and its return are
// none: the optimizer puts the function where it is called.

import { measure } from "./measure"

function loop(): void {
    for (let i = 0; i < 1000; i++) {}
}

await measure(() => loop())
