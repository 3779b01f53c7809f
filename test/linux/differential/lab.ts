// A network namespace whose kernel is asked, the TAP that leads into it, and what is set so that it can be compared.
import { inNamespace, KernelTap } from "../../../sim/link/tap-kernel"
import { ethernet, icmp, ipv4 } from "../../support/frames"
import { Namespace } from "../support/namespace"
import { Diagnosis } from "./diagnosis"

/** Whoever is asked, kernel or ours, and whoever asks. */
export const comparedHost = { ip: "10.0.0.1", mac: "02:00:00:00:00:01" } as const
export const driverHost = { ip: "10.0.0.2", mac: "02:00:00:00:00:02" } as const

const TAP = "tap0"
/** The window that both offer: less than a segment, so that one segment can reach beyond both of its ends. */
export const WINDOW = 200
const EAGAIN = 11
/** How long the kernel may take over one frame, ms. Nothing is concluded from the time: it is an error. */
const PATIENCE = 5000

/** What of this kernel's differs from ours only because it is set so. */
const settings = {
    // every answer is given, however many there were
    "net.ipv4.tcp_challenge_ack_limit": 2147483647,
    "net.ipv4.tcp_invalid_ratelimit": 0,
    "net.ipv4.icmp_ratelimit": 0,
    // ours has none of these
    "net.ipv4.tcp_window_scaling": 0,
    "net.ipv4.tcp_ecn": 0,
    "net.ipv4.tcp_fastopen": 0,
    "net.ipv4.tcp_dsack": 0,
    // thousands of handshakes that no client finishes are no attack
    "net.ipv4.tcp_syncookies": 0,
    "net.ipv4.tcp_max_syn_backlog": 1000000,
    "net.ipv4.tcp_max_tw_buckets": 1000000,
    // one connection's past is not another's
    "net.ipv4.tcp_no_metrics_save": 1,
    // the window stays what it is
    "net.ipv4.tcp_moderate_rcvbuf": 0,
    // nothing is sent, or held back, because of the time
    "net.ipv4.tcp_early_retrans": 0,
    "net.ipv4.tcp_recovery": 0,
    "net.ipv4.tcp_comp_sack_nr": 0,
    "net.ipv4.tcp_frto": 0,
}

export class Lab {
    private readonly namespace = new Namespace()
    private readonly tap: KernelTap
    readonly diagnosis: Diagnosis
    private readonly buffer = Buffer.alloc(2048)
    private barrier = 0
    private tuples = 0

    constructor() {
        const namespace = this.namespace
        this.tap = inNamespace(namespace.name, () => new KernelTap(TAP))
        this.diagnosis = inNamespace(namespace.name, () => new Diagnosis())
        namespace.must("sysctl", "-q", "-w", ...Object.entries(settings).map(([k, v]) => `${k}=${v}`))
        namespace.must("ip", "link", "set", TAP, "address", comparedHost.mac, "up")
        namespace.must("ip", "address", "add", `${comparedHost.ip}/32`, "dev", TAP)
        // quickack: no acknowledgment is delayed; rto_min: nothing is sent again for 3 s once a round trip was measured
        const route = [`${driverHost.ip}/32`, "dev", TAP, "src", comparedHost.ip, "window", `${WINDOW}`]
        namespace.must("ip", "route", "add", ...route, "quickack", "1", "rto_min", "3s")
        namespace.must("ip", "neigh", "add", driverHost.ip, "lladdr", driverHost.mac, "dev", TAP)
    }

    /** Timestamps and selective acknowledgments, on or off. */
    offer(options: boolean): void {
        const value = options ? 1 : 0
        this.namespace.must(
            "sysctl",
            "-q",
            "-w",
            `net.ipv4.tcp_timestamps=${value}`,
            `net.ipv4.tcp_sack=${value}`
        )
    }

    /** Runs `body`, which waits for nothing, with this thread in the namespace. */
    inside<T>(body: () => T): T {
        return inNamespace(this.namespace.name, body)
    }

    /** Ports that no connection has had: what an earlier one left in TIME-WAIT is not met. */
    ports(): { local: number; remote: number } {
        const n = this.tuples++
        return { local: 1024 + (n % 60_000), remote: 2000 + (n % 59_999) }
    }

    /** Hands a frame to the kernel. */
    send(frame: Uint8Array): void {
        const result = this.tap.write(frame)
        if (result !== frame.length) throw new Error(`writing to the TAP gives ${result}`)
    }

    /**
     * All frames that the kernel has sent up to now. It handles a frame while that is written, and a call while it is made; to
     * know that no answer is still under way, it is pinged: the reply takes the same way out, behind all others.
     */
    collect(): Uint8Array[] {
        const id = ++this.barrier & 0xffff
        const { ip, mac } = driverHost
        const packet = ipv4(
            { source: ip, destination: comparedHost.ip, protocol: 1 },
            icmp(8, 0, (id << 16) >>> 0, [])
        )
        this.send(ethernet(comparedHost.mac, mac, 0x0800, packet))
        const frames: Uint8Array[] = []
        const start = performance.now()
        for (;;) {
            const length = this.tap.read(this.buffer)
            if (length === -EAGAIN) {
                if (performance.now() - start > PATIENCE) throw new Error("the kernel does not answer a ping")
                continue
            }
            if (length < 0) throw new Error(`reading from the TAP gives ${length}`)
            const frame = Uint8Array.from(this.buffer.subarray(0, length))
            if (frame[23] === 1 && frame[34] === 0 && ((frame[38]! << 8) | frame[39]!) === id) return frames
            frames.push(frame)
        }
    }

    async remove(): Promise<void> {
        this.diagnosis.close()
        this.tap.close()
        await this.namespace.remove()
    }
}
