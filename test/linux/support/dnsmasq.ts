// dnsmasq, on a TAP of a namespace: a DHCP and DNS server that is not ours.

import { pause } from "./controlled"
import type { Namespace } from "./namespace"

/** Its address. */
export const SERVER = "10.9.0.1"

/** dnsmasq on the TAP, with what it logs. */
export class Dnsmasq {
    log = ""
    private readonly child
    private readonly ended: Promise<void>

    constructor(
        namespace: Namespace,
        readonly leases: string,
        ...more: string[]
    ) {
        this.child = namespace.start(
            "dnsmasq",
            ...[
                "--keep-in-foreground",
                "--conf-file=/dev/null",
                "--log-facility=-",
                "--log-dhcp",
                "--log-queries",
            ],
            ...[
                "--user=root",
                "--pid-file=",
                `--dhcp-leasefile=${leases}`,
                "--interface=tap0",
                "--bind-dynamic",
            ],
            ...["--no-resolv", "--no-hosts", "--local=/test/", "--dhcp-authoritative", "--no-ping"],
            ...[
                "--host-record=host.test,192.0.2.7",
                "--cname=alias.test,second.test",
                "--cname=second.test,host.test",
            ],
            ...[
                `--dhcp-option=option:dns-server,${SERVER},10.9.0.2`,
                `--dhcp-option=option:ntp-server,${SERVER}`,
            ],
            ...more
        )
        for (const stream of [this.child.stdout, this.child.stderr]) {
            stream?.setEncoding("utf8").on("data", text => {
                this.log += text
            })
        }
        this.ended = new Promise(resolve => this.child.once("close", () => resolve()))
    }

    async says(pattern: RegExp): Promise<void> {
        for (const end = Date.now() + 30_000; !pattern.test(this.log); await pause(20)) {
            if (Date.now() > end) throw new Error(`dnsmasq never said ${pattern}:\n${this.log}`)
        }
    }

    async stop(): Promise<void> {
        this.child.kill("SIGTERM")
        await this.ended
    }
}
