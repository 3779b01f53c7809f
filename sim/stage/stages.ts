// Failures to look at, for `--stage NAME`, the console's `stage NAME` and a test's `net.stage(NAME)`: each prepares the network, and has
// console commands that run into it.

import type { Cause } from "../diagnosis/diagnosis"
import { OptionError } from "../options/error"
import { playServer } from "./actor"
import type { Scene } from "./scene"

/** What a stage changes of the device's settings, before it is switched on. */
interface Settings {
    readonly prefix?: number
    /** "" for none. */
    readonly gateway?: string
    /** The name server; "" for none. */
    readonly dns?: string
    readonly config?: { readonly [field: string]: number }
}

export interface Stage {
    readonly name: string
    /** What goes wrong. */
    readonly about: string
    /** The cause that the diagnosis names. */
    readonly cause: Cause
    readonly settings?: Settings
    /** True for a stage that needs a program with DHCP and DNS: src/lookup.ts. */
    readonly names?: true
    /** Prepares the network; called before the device is switched on. */
    readonly set?: (scene: Scene) => void
    /** The console commands of the flashed program that run into the failure. */
    readonly commands?: readonly string[]
}

const CONNECT = ["connect 10.0.0.1 7"]
/** Opens a connection, and sends when it is open. */
const TALK = ["connect 10.0.0.1 7", "wait 3 ESTABLISHED", "sleep 500", "send 3 hello"]
/** An address of another network (RFC 5737). */
const FAR = "192.0.2.9"
const ROUTER = "10.0.0.253"
const LONG = "x".repeat(450)
const CLIENT_HELLO = "\x16\x03\x01\x00\x2f\x01\x00\x00\x2b\x03\x03"
const TLS_ALERT = "\x15\x03\x03\x00\x02\x02\x32"

export const stages: readonly Stage[] = [
    {
        name: "wrong-address",
        about: "no host has the address",
        cause: "host-silent",
        commands: ["connect 10.0.0.9 7"],
    },
    {
        name: "wrong-prefix",
        about: "the prefix is too short: a host of another network counts as a neighbour",
        cause: "wrong-prefix",
        settings: { prefix: 8 },
        commands: ["connect 10.9.9.9 7"],
    },
    {
        name: "narrow-prefix",
        about: "the prefix is too long: a neighbour counts as a host of another network",
        cause: "wrong-prefix",
        settings: { prefix: 30, gateway: "10.0.0.1" },
        set: scene => {
            const actor = scene.actor("10.0.0.9")
            // the neighbour is heard because it looks for the router
            scene.clock.at(scene.clock.now() + 50, () => actor.ask("10.0.0.1"))
            playServer(actor, {})
        },
        commands: ["sleep 500", "connect 10.0.0.9 7"],
    },
    {
        name: "no-gateway",
        about: "no router is set, and the host is on another network",
        cause: "gateway-missing",
        settings: { gateway: "" },
        commands: [`connect ${FAR} 80`],
    },
    {
        name: "gateway-silent",
        about: "the router is off, or its address is wrong",
        cause: "gateway-silent",
        settings: { gateway: "10.0.0.77" },
        commands: [`connect ${FAR} 80`],
    },
    {
        name: "gateway-wrong",
        about: "the router's address is that of a host that is no router",
        cause: "gateway-wrong",
        settings: { gateway: "10.0.0.1" },
        commands: [`connect ${FAR} 80`],
    },
    {
        name: "no-cable",
        about: "the cable is out from the beginning",
        cause: "cable-out",
        set: ({ conditions }) => conditions.cable(false),
        commands: CONNECT,
    },
    {
        name: "cable-out",
        about: "the cable is pulled out of an open connection",
        cause: "cable-out",
        set: scene => scene.established(() => scene.conditions.cable(false)),
        commands: TALK,
    },
    {
        name: "port-closed",
        about: "no program listens on the port",
        cause: "port-closed",
        commands: ["connect 10.0.0.1 9"],
    },
    {
        name: "filtered",
        about: "a firewall drops the segments of the port",
        cause: "filtered",
        set: ({ conditions }) => conditions.filter(7),
        commands: CONNECT,
    },
    {
        name: "unreachable",
        about: "a router reports that it does not reach the host",
        cause: "unreachable",
        settings: { gateway: ROUTER },
        set: scene => refuse(scene, 1),
        commands: [`connect ${FAR} 80`],
    },
    {
        name: "prohibited",
        about: "a router reports that a firewall forbids the connection",
        cause: "unreachable",
        settings: { gateway: ROUTER },
        set: scene => refuse(scene, 13),
        commands: [`connect ${FAR} 80`],
    },
    {
        name: "address-taken",
        about: "another host has the device's address",
        cause: "address-taken",
        set: ({ conditions, ip }) => conditions.steal(ip),
        commands: CONNECT,
    },
    {
        name: "dhcp-silent",
        about: "no DHCP server answers",
        cause: "dhcp-silent",
        names: true,
        set: ({ conditions }) => conditions.dhcp("off"),
    },
    {
        name: "dhcp-refused",
        about: "the DHCP server refuses every request",
        cause: "dhcp-refused",
        names: true,
        set: ({ conditions }) => conditions.dhcp("refuse"),
    },
    {
        name: "dhcp-unusable",
        about: "the DHCP server offers a lease of 0 s",
        cause: "dhcp-unusable",
        names: true,
        set: ({ conditions }) => conditions.dhcp("unusable"),
    },
    {
        name: "name-unknown",
        about: "the name does not exist",
        cause: "name-unknown",
        names: true,
    },
    {
        name: "name-server-silent",
        about: "the name server does not answer",
        cause: "name-server-silent",
        names: true,
        set: ({ conditions }) => conditions.filter(53),
    },
    {
        name: "wrong-number",
        about: "the SYN-ACK acknowledges a wrong number",
        cause: "wrong-number",
        set: scene => playServer(scene.actor("10.0.0.8"), { wrong: 999 }),
        commands: ["connect 10.0.0.8 7"],
    },
    {
        name: "window-shut",
        about: "the peer's program does not read: its window stays shut",
        cause: "window-shut",
        set: scene => playServer(scene.actor("10.0.0.8"), { data: "shut" }),
        commands: [
            "connect 10.0.0.8 7",
            "wait 3 ESTABLISHED",
            "send 3 hello",
            "sleep 500",
            "send 3 more",
            "sleep 60000",
        ],
    },
    {
        name: "peer-vanished",
        about: "the peer is switched off while the connection is open",
        cause: "peer-vanished",
        set: scene => scene.established(() => scene.server.stop()),
        commands: TALK,
    },
    {
        name: "peer-restarted",
        about: "the peer has restarted, and knows the connection no more",
        cause: "stale-connection",
        set: scene => playServer(scene.actor("10.0.0.8"), { data: "reset" }),
        commands: ["connect 10.0.0.8 7", "wait 3 ESTABLISHED", "send 3 hello"],
    },
    {
        name: "tables-full",
        about: "all connection records of the device are in use",
        cause: "tables-full",
        settings: { config: { connections: 2 } },
        commands: ["connect 10.0.0.1 7", "connect 10.0.0.1 7", "sleep 200", "connect 10.0.0.1 7"],
    },
    {
        name: "server-full",
        about: "more clients connect to the device than it has connection records",
        cause: "tables-full",
        settings: { config: { connections: 2, halfOpen: 2 } },
        set: scene => visit(scene, 7),
        commands: ["sleep 10000"],
    },
    {
        name: "backlog-full",
        about: "the server's program accepts no connection, and its backlog is full",
        cause: "backlog-full",
        set: ({ server }) => server.hold(8003, 1),
        commands: ["connect 10.0.0.1 8003", "wait 3 ESTABLISHED", "connect 10.0.0.1 8003", "sleep 10000"],
    },
    {
        name: "half-open",
        about: "a client begins a handshake with the device, and vanishes",
        cause: "handshake-unfinished",
        set: scene => {
            const actor = scene.actor("10.0.0.8")
            scene.clock.at(scene.clock.now() + 500, () => actor.ask(scene.ip))
            scene.clock.at(scene.clock.now() + 600, () => actor.open(scene.ip, 7))
        },
        commands: ["sleep 20000"],
    },
    {
        name: "reset",
        about: "the server's program aborts the connection",
        cause: "reset",
        set: ({ server }) => server.listen(8002, { data: connection => connection.abort() }),
        commands: ["connect 10.0.0.1 8002", "wait 3 ESTABLISHED", "send 3 hello", "sleep 500"],
    },
    {
        name: "corrupted",
        about: "the line changes bits",
        cause: "corrupted",
        set: scene => scene.established(() => scene.impair({ corrupt: 1 })),
        commands: TALK,
    },
    {
        name: "lossy",
        about: "the line loses everything once the connection is open",
        cause: "frames-lost",
        set: scene => scene.established(() => scene.impair({ loss: 1 })),
        commands: TALK,
    },
    {
        name: "mtu",
        about: "a link on the way carries no long packets, and does not say so",
        cause: "mtu",
        set: scene => scene.established(() => scene.conditions.maximum(400)),
        commands: [...TALK, "sleep 500", `send 3 ${LONG}`],
    },
    {
        name: "closed-at-once",
        about: "the server closes every connection at once",
        cause: "closed-at-once",
        set: ({ server }) => server.listen(8001, { accepted: connection => connection.close() }),
        commands: ["connect 10.0.0.1 8001", "sleep 2000"],
    },
    {
        name: "tls-client",
        about: "a client speaks TLS to the device",
        cause: "tls",
        set: ({ server, clock, ip }) => {
            clock.at(clock.now() + 1000, () => server.connect(ip, 80).send(CLIENT_HELLO))
        },
        commands: ["sleep 3000"],
    },
    {
        name: "tls-server",
        about: "the device speaks plain HTTP to a server that expects TLS",
        cause: "tls",
        set: ({ server }) =>
            server.listen(443, {
                data: connection => {
                    connection.send(TLS_ALERT)
                    connection.close()
                },
            }),
        commands: [
            "connect 10.0.0.1 443",
            "wait 3 ESTABLISHED",
            "send 3 GET / HTTP/1.1\\r\\n\\r\\n",
            "sleep 1000",
        ],
    },
]

/** Lets the server open four connections to a port of the device. */
function visit({ clock, server, ip }: Scene, port: number): void {
    for (const ms of [1000, 1100, 1200, 1300]) clock.at(clock.now() + ms, () => void server.connect(ip, port))
}

/** Answers everything for another network by ICMP unreachable with this code. */
function refuse({ actor }: Scene, code: number): void {
    const router = actor(ROUTER)
    router.onPacket = (view, frame) => {
        if ("destination" in view && view.destination !== ROUTER) router.unreachable(frame, code)
    }
}

const NAME = "server.example"

/** Returns the names that exist on a stage, with their addresses. */
export function namesOf({ cause }: Stage, server: string): { [name: string]: string } {
    return cause === "name-unknown" ? {} : { [NAME]: server }
}

/** Returns the stage of this name. Throws an OptionError of one line that lists the names. */
export function stageOf(name: string): Stage {
    const found = stages.find(stage => stage.name === name)
    if (found !== undefined) return found
    throw new OptionError(
        `stage: unknown name ${JSON.stringify(name)} (known: ${stages.map(one => one.name).join(", ")})`
    )
}
