// Lists the tests that failed at first and passed when they were retried, at the end of vitest's report: `retry` alone
// would hide them.

import { relative } from "node:path"
import type { Reporter, TestModule } from "vitest/node"

export default class RetriedReporter implements Reporter {
    onTestRunEnd(modules: readonly TestModule[]): void {
        const lines = modules.flatMap(module => {
            const file = relative(process.cwd(), module.moduleId)
            return [...module.children.allTests("passed")]
                .filter(test => test.diagnostic()?.flaky)
                .map(test => `  ${file} > ${test.fullName}: ${reason(test.result().errors)}`)
        })
        if (lines.length > 0)
            console.log([`\nfailed at first, passed when retried: ${lines.length}`, ...lines].join("\n"))
    }
}

/** Returns the first line of the first failure. */
function reason(errors: readonly { message: string }[] | undefined): string {
    return errors?.[0]?.message.split("\n", 1)[0] ?? "no message"
}
