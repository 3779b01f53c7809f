// Errors of the socket layer in tests that are about when there is which: without their sentences, which errors.test.ts is about.

/** Returns a text without the sentences behind the codes of errors in it. */
export function codesOnly(text: string): string {
    return text.replace(/\b(E[A-Z_]+), .*$/gm, "$1")
}
