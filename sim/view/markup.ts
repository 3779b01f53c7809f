// Text inside HTML and SVG.

/** Returns text for HTML and SVG: nothing in the result is markup. Characters that XML forbids become `?`. */
export function escaped(text: string): string {
    return text
        .replaceAll(/[^\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "?")
        .replaceAll("&", "&amp;")
        .replaceAll("<", "&lt;")
        .replaceAll(">", "&gt;")
        .replaceAll('"', "&quot;")
}
