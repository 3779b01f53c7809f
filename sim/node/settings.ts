// Node runtime: @devicescript/settings of a board without settings.

/** Returns the value for a missing setting, because every setting is missing. */
export async function readSetting<T>(_key: string, missing: T): Promise<T> {
    return missing
}
