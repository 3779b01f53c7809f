// Node runtime: @devicescript/settings of a board, kept while the program runs. A value is stored as JSON, as on a board.

const kept = new Map<string, string>()

/** Returns the value of a setting, or `missing`. */
export async function readSetting<T>(key: string, missing: T): Promise<T> {
    const text = kept.get(checked(key))
    return text === undefined ? missing : (JSON.parse(text) as T)
}

/** Sets a setting. */
export async function writeSetting(key: string, value: unknown): Promise<void> {
    kept.set(checked(key), JSON.stringify(value))
}

/** Deletes a setting. */
export async function deleteSetting(key: string): Promise<void> {
    kept.delete(checked(key))
}

function checked(key: string): string {
    if (key.length < 1 || key.length > 13) throw new RangeError(`key length must be <= 13`)
    return key
}
