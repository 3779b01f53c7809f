// The interface of every link of the simulator: stations attach and exchange Ethernet frames (without their FCS).

/** Something with a network plug: a simulated chip, a host, the router. */
export interface Station {
    /** The station's name in captures and diagrams. */
    readonly name: string
    /** Takes a frame that has arrived, from its destination address on. The bytes belong to the station. */
    receive(frame: Uint8Array): void
}

/** A medium that carries frames between its stations. */
export interface Link {
    /** Plugs a station in; it receives frames from now on. */
    attach(station: Station): Port
    /** Ends the link: it delivers no frame any more. */
    close(): Promise<void>
}

/** The plug of one station in a link. */
export interface Port {
    /** Puts a frame on the medium. The caller may reuse the bytes at once. */
    send(frame: Uint8Array): void
    /** Unplugs the station: it receives no frames any more, and those that it sends are dropped. */
    detach(): void
}
