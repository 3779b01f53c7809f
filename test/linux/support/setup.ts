import { missing, removeLeftOvers } from "./namespace"

/** Says once, where it is seen, why all tests are skipped; where the project is checked that is a failure. */
export default function setup(): (() => void) | undefined {
    const why = missing()
    if (why === undefined) {
        removeLeftOvers()
        return removeLeftOvers
    }
    const text = `the tests against the Linux kernel cannot run: ${why}`
    if (process.env.CI !== undefined) throw new Error(text)
    process.stderr.write(`${text}; they are skipped\n`)
    return undefined
}
