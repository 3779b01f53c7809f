// Lists of words, each in one string with spaces between the words: a string stays in flash, an array takes heap.

/** Returns word `index` of `words`, "" after the last. */
export function word(words: string, index: number): string {
    let start = 0
    for (; index > 0; index--) {
        start = words.indexOf(" ", start) + 1
        if (start === 0) return ""
    }
    const end = words.indexOf(" ", start)
    return words.slice(start, end < 0 ? words.length : end)
}

/** Returns the index of `text` among `words`, -1 if not found. */
export function wordIndex(words: string, text: string): number {
    let start = 0
    for (let index = 0; ; index++) {
        const end = words.indexOf(" ", start)
        if (words.slice(start, end < 0 ? words.length : end) === text) return index
        if (end < 0) return -1
        start = end + 1
    }
}
