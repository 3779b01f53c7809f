// The third runtime's stand-in for @devicescript/settings: a device without stored settings.

/** Returns what a missing setting is taken for. */
export async function readSetting<T = string>(_key: string, missing?: T): Promise<T> {
    return missing as T
}
