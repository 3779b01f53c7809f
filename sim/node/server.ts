// Node runtime: @devicescript/server. There is no Jacdac bus on Node, so no client reaches the servers that a program starts.

import type { Packet, ServiceSpec } from "./core"

export interface ServerOptions {
    roleName?: string
}

/** The base class of a program's own Jacdac servers. */
export class Server {
    constructor(
        readonly spec: ServiceSpec,
        _options?: ServerOptions
    ) {}

    async _send(_packet: Packet): Promise<void> {}
}

/** Returns the name of the role that a client on the same device would use. */
export function startServer(server: Server, options?: ServerOptions): string {
    return `${options?.roleName ?? server.spec.name}[app:0]`
}
