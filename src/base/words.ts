// Lists of words in one string with spaces between: that stays in flash, where an array is heap.

/** Word number `index` of `words`, "" behind the last. */
export function word(words: string, index: number): string {
    let start = 0
    for (; index > 0; index--) {
        start = words.indexOf(" ", start) + 1
        if (start === 0) return ""
    }
    const end = words.indexOf(" ", start)
    return words.slice(start, end < 0 ? words.length : end)
}

/** Which word of `words` it is, -1 for none. */
export function wordIndex(words: string, text: string): number {
    let start = 0
    for (let index = 0; ; index++) {
        const end = words.indexOf(" ", start)
        if (words.slice(start, end < 0 ? words.length : end) === text) return index
        if (end < 0) return -1
        start = end + 1
    }
}
