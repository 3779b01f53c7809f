// The interface of every link of the simulator: stations attach and exchange Ethernet frames (without their FCS).

/** Anything with a network plug: a simulated chip, a host, the router. */
export interface Station {
    /** The station's name in captures and diagrams. */
    readonly name: string
    /** Receives a frame, from its destination address on. The bytes belong to the station. */
    receive(frame: Uint8Array): void
}

/** A medium that carries frames between its stations. */
export interface Link {
    /** Plugs a station in; it receives frames from now on. */
    attach(station: Station): Port
    /** Ends the link, which then delivers no more frames. */
    close(): Promise<void>
}

/** The plug of one station in a link. */
export interface Port {
    /** Sends a frame on the medium. The caller may reuse the bytes at once. */
    send(frame: Uint8Array): void
    /** Unplugs the station: it receives no more frames, and those that it sends are dropped. */
    detach(): void
}
