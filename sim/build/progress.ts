// Says on standard error that a build goes on, and for how long it has: on a terminal in one line that counts the seconds, elsewhere in
// a line every few seconds.

/** Where progress is shown: standard error. */
interface Shown {
    readonly isTTY?: boolean
    write(text: string): unknown
}

/** The first line without a terminal comes after this time, so that a short build is silent, and further ones this far apart, ms. */
const FIRST = 2000
const NEXT = 5000
const SECOND = 1000

/** Shows that `work` goes on until it ends. */
export async function withProgress<T>(
    what: string,
    work: () => Promise<T>,
    out: Shown = process.stderr
): Promise<T> {
    const start = Date.now()
    const elapsed = () => `${Math.floor((Date.now() - start) / SECOND)} s`
    let due = FIRST
    const show = () => {
        if (out.isTTY) out.write(`\r${what} ... ${elapsed()}`)
        else if (Date.now() - start >= due) {
            out.write(`${what}: ${elapsed()}\n`)
            due = Date.now() - start + NEXT
        }
    }
    if (out.isTTY) show()
    const timer = setInterval(show, SECOND / 2)
    try {
        return await work()
    } finally {
        clearInterval(timer)
        if (out.isTTY) out.write("\r\x1b[K")
        else if (due > FIRST) out.write(`${what}: done in ${elapsed()}\n`)
    }
}
