// The settings that the flashed program starts with. Set them here for a board; the simulator fills them in (boards/host/pipe.ts).

/** The program's settings. */
export interface BootOptions {
    /** This host's address and the length of its network's prefix, 1 to 32. */
    ip: string
    /** The router's address, "" for none. */
    gateway: string
    /** Ethernet address, six hexadecimal bytes with colons; "" for one made from the device's id. */
    macAddress: string
    /** The name server's address; none when left out. The simulator's router is one. */
    dns?: string
    /** Fields of Config (tcp/config.ts) that differ from their defaults. */
    config: { [key: string]: number }
    /** Serves echo on port 7 and the status page on port 80. */
    services: boolean
    /** Prints every event on the console. */
    trace: boolean
    /** Set by controlled.ts: another program drives the device, and it serves nothing. */
    control: boolean
    /** Bytes of heap that the program finds free: 57,000 on the RP2040. A configuration that does not fit is refused at start. */
    heap: number
    /** The Wi-Fi network to join; left out for what the board's settings say (socket/wifi-settings.ts). */
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
