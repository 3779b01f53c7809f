// What every link of the simulator offers: stations attach and exchange Ethernet frames (without their FCS).

/** Something with a network plug: a simulated chip, a peer, a capture. */
export interface Station {
    /** For captures and diagrams. */
    readonly name: string
    /** A frame has arrived, from the destination address on. The bytes belong to the receiver. */
    receive(frame: Uint8Array): void
}

/** A medium that carries frames between its stations. */
export interface Link {
    /** Plugs a station in; it receives frames from now on. */
    attach(station: Station): Port
    /** Ends the link; nothing is delivered any more. */
    close(): Promise<void>
}

/** One station's plug in a link. */
export interface Port {
    /** Puts a frame on the medium. The caller may reuse the bytes at once. */
    send(frame: Uint8Array): void
    /** Pulls the plug: nothing is delivered to this station any more, and its frames go nowhere. */
    detach(): void
}
