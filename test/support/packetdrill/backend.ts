// What a script needs of its backend: a stack with a program on it, a wire, and virtual time.

/** A frame of the stack, and when it went out, in microseconds since the script began. */
export interface Sent {
    readonly time: number
    readonly frame: Uint8Array
}

/** What a call of the program returned: a number that is not negative, or the POSIX name of an error. */
export type Outcome = number | string

/** What there was to read; `data` where it can be looked at. 0 with no error is the end of the stream. */
export interface Reading {
    readonly outcome: Outcome
    readonly data?: Uint8Array
}

/** Addresses and the like, dotted; known when a backend is made. */
export interface Network {
    readonly localIp: string
    readonly remoteIp: string
    /** The next hop to the remote side: itself, or a router's address. */
    readonly hop: string
    /** Length of the prefix of the network that the stack is in. */
    readonly prefix: number
    /** Ethernet addresses of the stack and of the next hop. */
    readonly localMac: string
    readonly remoteMac: string
}

/** Everything the outside world is to a script. Nothing of it takes real time; calls of the VM take virtual time. */
export interface Backend {
    /** How far events may be off because of the way they are carried out, microseconds. */
    readonly tolerance: number
    /** Frames that the stack has sent and the script has not taken yet; those that are taken are removed. */
    readonly sent: Sent[]
    /** Microseconds since the script began. */
    now(): number
    /** Lets time pass until `to` at the latest; returns after every step at which something may have happened. */
    advance(to: number): Promise<void>
    /** Has the stack receive a frame now. */
    inject(frame: Uint8Array): Promise<void>
    /** The end of a script: connections and listeners are gone afterwards, nothing is sent any more. */
    finish(): Promise<void>

    // the program's calls; handles name connections and listeners
    listen(port: number, backlog: number): Promise<Outcome>
    /** The handle, and the remote port where it is known; EAGAIN when none waits. */
    accept(listener: number): Promise<{ outcome: Outcome; remotePort?: number }>
    connect(port: number, localPort: number): Promise<Outcome>
    /** Writes the pattern of `localText`, as much as fits; EAGAIN when nothing does. */
    write(handle: number, length: number): Promise<Outcome>
    /** EAGAIN when there is nothing yet. */
    read(handle: number, most: number): Promise<Reading>
    shutdown(handle: number): Promise<Outcome>
    close(handle: number): Promise<void>
    abort(handle: number): Promise<void>
    /** The state of RFC 9293 that the connection of this handle is in. */
    state(handle: number): Promise<string>
    /** What ended the connection, undefined while nothing has. */
    failure(handle: number): Promise<string | undefined>
    /** Bits of poll(). */
    ready(handle: number): Promise<number>
    setReceiveLimit(handle: number, bytes: number): Promise<Outcome>
    setNoDelay(handle: number, on: boolean): Promise<Outcome>
    setKeepAlive(handle: number, on: boolean): Promise<Outcome>
    /** Whole seconds; 0 for the configuration's. */
    setUserTimeout(handle: number, seconds: number): Promise<Outcome>
    /**
     * The value of a name in code of the script, such as `tcpi_snd_mss`, of the connection with these ports. Undefined
     * for names that are not known here.
     */
    look(
        name: string,
        who: { handle: number | undefined; remotePort: number; localPort: number }
    ): Promise<number | undefined>
}

/** The numbers that Linux gives the states, and code of a script gets for tcpi_state. */
export const STATES: Readonly<Record<string, number>> = {
    ESTABLISHED: 1,
    "SYN-SENT": 2,
    "SYN-RECEIVED": 3,
    "FIN-WAIT-1": 4,
    "FIN-WAIT-2": 5,
    "TIME-WAIT": 6,
    CLOSED: 7,
    "CLOSE-WAIT": 8,
    "LAST-ACK": 9,
    LISTEN: 10,
    CLOSING: 11,
}
