// The settings that the flashed program starts with. Set them here for a board; the simulator fills them in (boards/host/pipe.ts).

/** The program's settings. */
export interface BootOptions {
    /** This host's address and the length of its network's prefix, 1 to 32. */
    ip: string
    /** The router's address; "" = none. */
    gateway: string
    /** Ethernet address, six hexadecimal bytes with colons; "" for one derived from the device's id. */
    macAddress: string
    /** The name server's address; none when left out. The simulator's router is one. */
    dns?: string
    /** Fields of Config (tcp/config.ts) that differ from their defaults. */
    config: { [key: string]: number }
    /** Serves echo on port 7 and the status page on port 80. */
    services: boolean
    /** Prints every event on the console. */
    trace: boolean
    /** Set by controlled.ts: another program drives the device, which runs no services. */
    control: boolean
    /**
     * Bytes of heap that are free for the program: 57,000 on the RP2040. At start the program refuses a configuration that does
     * not fit.
     */
    heap: number
    /** The Wi-Fi network to join; if left out, the board's settings apply (socket/wifi-settings.ts). */
    network?: { ssid: string; password: string }
}

export const boot: BootOptions = {
    ip: "192.168.1.50/24",
    gateway: "192.168.1.1",
    macAddress: "",
    config: {},
    services: true,
    trace: true,
    control: false,
    heap: 57000,
}
