// The record of a neighbour in the ARP table.

/** Offsets in a neighbour's record. The record is free when State is NeighbourState.Free. */
export const enum Neighbour {
    Ip = 0,
    Mac = 4,
    State = 10,
    /** Requests sent without a reply. */
    Tries = 11,
    /** When the next request is due; once the address is known, when it was last used. */
    Time = 12,
    /** When the neighbour last sent its Ethernet address; while in doubt, when the neighbour is asked next or given up. */
    Heard = 16,
    Size = 20,
}

export const enum NeighbourState {
    Free = 0,
    /** A request is due. */
    Asking = 1,
    /** A request was sent. */
    Waiting = 2,
    Known = 3,
    /**
     * Known, but a packet claimed another Ethernet address: a request to the known address is due (Doubted), or was sent or waits
     * (Doubting).
     */
    Doubted = 4,
    Doubting = 5,
}
