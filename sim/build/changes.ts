// Whether files have changed since something was made of them, so that a process that starts many devices makes it once.

import { statSync } from "node:fs"

/** What was made of files. */
interface Made<T> {
    value: T
    files: readonly string[]
    /** When each of the files was last changed. */
    changed: string
}

/** What this process has made, by a key that names all but the files' contents. */
export class MadeOfFiles<T> {
    private readonly all = new Map<string, Made<T>>()

    /** Returns what was made for this key if none of its files has changed since, else what `make` makes now. `files` are absolute paths. */
    async get(key: string, make: () => Promise<{ value: T; files: readonly string[] }>): Promise<T> {
        const known = this.all.get(key)
        if (known !== undefined && changesOf(known.files) === known.changed) return known.value
        const began = Date.now()
        const { value, files } = await make()
        // a file that changes meanwhile may have been read before it did
        const isOld = files.every(file => (statSync(file, { throwIfNoEntry: false })?.ctimeMs ?? 0) < began)
        if (isOld) this.all.set(key, { value, files, changed: changesOf(files) })
        return value
    }
}

function changesOf(files: readonly string[]): string {
    return files
        .map(file => {
            const { ctimeMs = 0, size = 0 } = statSync(file, { throwIfNoEntry: false }) ?? {}
            return `${ctimeMs} ${size}`
        })
        .join()
}
