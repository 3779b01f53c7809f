// Keeps header fields for the handlers that read them.

import { wordIndex } from "../base/words"
import { ClientFlag, type FieldReader, type HttpClient, type HttpContext, type HttpRequest } from "./record"
import { trimmed } from "./request"

interface Kept {
    client: HttpRequest
    name: string
    value: string
}

/** Keeps, for the duration of a request, the header fields that a program names. Other fields take no memory. */
export class HttpFields implements FieldReader {
    private readonly kept: Kept[] = []

    /** `names` are the names of the fields in lower case, separated by spaces. */
    constructor(private readonly names: string) {}

    /**
     * Returns the value of a field as the client sent it; `name` is in lower case. The values of a repeated field form a list
     * with commas (RFC 9110 section 5.3). Returns undefined if the request has no such field.
     */
    valueOf(request: HttpRequest, name: string): string | undefined {
        for (const field of this.kept) if (field.client === request && field.name === name) return field.value
        return undefined
    }

    /** Keeps a field. Refuses (431) a field whose values together are longer than a line. @internal */
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

    /** @internal */
    clear(c: HttpClient): void {
        for (let i = this.kept.length - 1; i >= 0; i--) {
            if ((this.kept[i] as Kept).client === c) this.kept.insert(i, -1)
        }
    }
}
