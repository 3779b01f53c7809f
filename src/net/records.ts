// The record that the network layer keeps of a neighbour (ARP).

/** Offsets in a neighbour's record. Free when State is NeighbourState.Free. */
export const enum Neighbour {
    Ip = 0,
    Mac = 4,
    State = 10,
    /** Requests sent without an answer. */
    Tries = 11,
    /** When the next request is due, or when it was used last. */
    Time = 12,
    /** When it said last what its Ethernet address is. In doubt: when it is asked next, or given up. */
    Heard = 16,
    Size = 20,
}

export const enum NeighbourState {
    Free = 0,
    /** A request is to be sent. */
    Asking = 1,
    /** A request was sent. */
    Waiting = 2,
    Known = 3,
    /** Known, but somebody says that it is another: the one that is known is to be asked, or waits for its turn or an answer. */
    Doubted = 4,
    Doubting = 5,
}
