// The messages for the pages. Of each thing only the newest message is kept, and of rows, lines and the like the last ones: so a
// page that connects late, or again, receives what it lacks, and memory stays bounded.

import type { Message } from "./messages"

/** How many messages of a kind are kept, per device; of kinds that are not listed there is one. */
export const KEPT = { row: 600, connection: 60, failure: 60, line: 800 } as const

interface Entry {
    readonly id: number
    readonly message: Message
}

export class Feed {
    /** The messages by key, in the order of their ids. */
    private readonly entries = new Map<string, Entry>()
    private readonly listeners = new Set<() => void>()
    private next = 1

    /** The id of the newest message; 0 before any. */
    get latest(): number {
        return this.next - 1
    }

    /** Adds a message, which replaces the one before about the same thing. */
    put(message: Message): void {
        const key = keyOf(message, 0)
        this.entries.delete(key)
        this.entries.set(key, { id: this.next++, message })
        if (message.kind in KEPT) this.entries.delete(keyOf(message, KEPT[message.kind as keyof typeof KEPT]))
        for (const listener of this.listeners) listener()
    }

    /** Forgets everything but the lines of the console. The first message after it is to be that of the new run. */
    restart(): void {
        for (const [key, { message }] of this.entries) if (message.kind !== "line") this.entries.delete(key)
    }

    /** Returns at most `most` messages that are newer than an id, oldest first, and the id of the last. */
    since(id: number, most: number): { messages: Message[]; last: number } {
        const newer: Entry[] = []
        for (const entry of this.entries.values()) if (entry.id > id) newer.push(entry)
        const some = newer.slice(0, most)
        return { messages: some.map(({ message }) => message), last: some.at(-1)?.id ?? this.latest }
    }

    /** Calls `listener` after each message; returns a function that ends these calls. */
    listen(listener: () => void): () => void {
        this.listeners.add(listener)
        return () => this.listeners.delete(listener)
    }
}

/** Returns the key of a message, or that of the message `before` numbers earlier. */
function keyOf(message: Message, before: number): string {
    switch (message.kind) {
        case "row":
        case "connection":
            return `${message.kind} ${message.device} ${message.number - before}`
        case "failure":
        case "line":
            return `${message.kind} ${message.number - before}`
        default:
            return message.kind
    }
}
