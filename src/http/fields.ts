// Header fields for handlers, for servers whose handlers ask for any.

import { wordIndex } from "../base/words"
import { ClientFlag, type FieldReader, type HttpClient, type HttpContext, type HttpRequest } from "./record"
import { trimmed } from "./request"

interface Kept {
    client: HttpRequest
    name: string
    value: string
}

/** Keeps the fields of these names, in lower case with a space between, while a request lasts. Others cost nothing. */
export class HttpFields implements FieldReader {
    private readonly kept: Kept[] = []

    constructor(private readonly names: string) {}

    /** The value of a field as it came; one that came several times is a list (RFC 9110 section 5.3). Undefined if it did not. */
    valueOf(request: HttpRequest, name: string): string | undefined {
        for (const field of this.kept) if (field.client === request && field.name === name) return field.value
        return undefined
    }

    /** No more of a field is kept than fits a line: 431. */
    take(h: HttpContext, c: HttpClient, name: string, rest: string): number {
        if (wordIndex(this.names, name) < 0) return 0
        if (c.flags & ClientFlag.Cut) return 431
        const value = trimmed(rest, " \t")
        for (const field of this.kept) {
            if (field.client !== c || field.name !== name) continue
            field.value += `, ${value}`
            return field.value.byteLength > h.line ? 431 : 0
        }
        this.kept.push({ client: c, name, value })
        return 0
    }

    clear(c: HttpClient): void {
        for (let i = this.kept.length - 1; i >= 0; i--) {
            if ((this.kept[i] as Kept).client === c) this.kept.insert(i, -1)
        }
    }
}
