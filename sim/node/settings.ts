// Stand-in for @devicescript/settings: a board that has none.

/** Returns what the program takes for a setting that is missing. */
export async function readSetting<T>(_key: string, missing: T): Promise<T> {
    return missing
}
