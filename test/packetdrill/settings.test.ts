// Options at the top and commands in backticks: what becomes of them, and what is said about the others.

import { describe, expect, test } from "vitest"
import { sourceOf } from "../support/packetdrill/failure"
import { prepare } from "../support/packetdrill/run"
import { CONNECTED, PLAIN, play, verdict } from "./play"

const EVENT = "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3"

function settingsOf(top: string) {
    return prepare(sourceOf("x.pkt", `${top}\n${EVENT}`)).settings
}

test("a script without options has the shipped settings, 4 ms of tolerance, 10.0.0.2 and 10.0.0.1", () => {
    expect(settingsOf("")).toEqual({
        config: {},
        bindPort: 8080,
        connectPort: 8080,
        tolerance: 4000,
        tolerancePercent: 0,
        timestampTick: 0,
        scaledEcr: false,
        strictSegments: false,
        loose: false,
        vm: false,
        clock: 1000,
        network: {
            localIp: "10.0.0.2",
            remoteIp: "10.0.0.1",
            hop: "10.0.0.1",
            prefix: 24,
            localMac: "02:00:00:00:00:02",
            remoteMac: "02:00:00:00:00:01",
        },
    })
})

test.each([
    ["--ip_version=ipv4", {}],
    ["--bind_port=80", { bindPort: 80 }],
    ["--connect_port=7", { connectPort: 7 }],
    ["--tolerance_usecs=10000", { tolerance: 10_000 }],
    ["--tolerance_percent=12.5", { tolerancePercent: 12.5 }],
    ["--tcp_ts_tick_usecs=1000", { timestampTick: 1000 }],
    ["--tcp_ts_ecr_scaled", { scaledEcr: true }],
    ["--strict_segments", { strictSegments: true }],
    ["--mtu=576", { config: { mtu: 576 } }],
    [
        "--config=iss=4294967295,events=0\n--config=r2=5000",
        { config: { iss: 4294967295, events: 0, r2: 5000 } },
    ],
    ["--vm", { vm: true }],
    ["--loose", { loose: true }],
    ["--clock=4294967000", { clock: 4294967000 }],
    ["--verbose", {}],
    ["--local_ip=192.168.1.7\n--remote_ip=192.168.1.9", { network: { hop: "192.168.1.9", prefix: 24 } }],
    // the other side is in another network, behind a router
    ["--local_ip=192.168.0.1\n--remote_ip=192.0.2.1", { network: { hop: "192.168.0.2" } }],
    ["--local_ip=192.168.0.7\n--remote_ip=192.0.2.1", { network: { hop: "192.168.0.1" } }],
    ["--remote_ip=192.0.2.1\n--gateway_ip=10.0.0.99", { network: { hop: "10.0.0.99" } }],
    ["--netmask_ip=255.255.0.0\n--remote_ip=10.0.7.7", { network: { hop: "10.0.7.7", prefix: 16 } }],
])("option %j sets %j", (top, settings) => {
    expect(settingsOf(top)).toMatchObject(settings)
})

test.each([
    ["--frobnicate=1", "unknown option --frobnicate"],
    ["--ip_version=ipv6", "--ip_version=ipv6: there is IPv4 only"],
    ["--bind_port=0", "--bind_port=0: a number from 1 to 65535"],
    ["--mtu=100", "--mtu=100: a number from 576 to 1500"],
    ["--mtu", "--mtu=: a number from 576 to 1500"],
    ["--local_ip=10.0.0", "--local_ip=10.0.0: an address such as 10.0.0.2"],
    ["--vm=1", "--vm takes no value"],
    ["--mss=1000", "--mss is not supported here: the stack's own is made of --mtu"],
    ["--config=receiveBuffer", '--config is written --config=KEY=NUMBER,KEY=NUMBER, not "receiveBuffer"'],
    ["--config=receiveBuffer=1", "receiveBuffer must be a whole number from 64 to 65535, not 1"],
])("%s is refused with its line: %s", (option, message) => {
    expect(() => settingsOf(`\n${option}`)).toThrow(`x.pkt:2: ${message}`)
})

test("--config with an unknown setting is refused", () => {
    expect(() => settingsOf("--config=r2=5000\n--config=frob=1")).toThrow(
        'x.pkt:2: unknown configuration key "frob"'
    )
})

test.each([
    ["--remote_ip=10.0.0.2", "local and remote address are the same: 10.0.0.2"],
    [
        "--remote_ip=192.0.2.1\n--gateway_ip=192.0.2.9",
        "the router 192.0.2.9 is not in the network of 10.0.0.2",
    ],
])("%j is refused: %s", (top, message) => {
    expect(() => settingsOf(top)).toThrow(`x.pkt:1: ${message}`)
})

describe("commands in a script", () => {
    const config = (commands: string) => settingsOf(`\`${commands}\``).config

    test.each([
        ["sysctl -q net.ipv4.tcp_timestamps=0", { timestamps: 0 }],
        ["sysctl -w net.ipv4.tcp_timestamps=2", { timestamps: 1 }],
        ["sysctl net.ipv4.tcp_sack=0 net.ipv4.tcp_synack_retries=3", { sack: 0, synAckRetries: 3 }],
        ["sysctl -q net.ipv4.tcp_fin_timeout=30", { finWait2: 30_000 }],
        ["sysctl -q net.ipv4.tcp_keepalive_time=10", { keepAliveIdle: 10_000 }],
        ["sysctl -q net.ipv4.tcp_keepalive_intvl=2", { keepAliveInterval: 2000 }],
        ["sysctl -q net.ipv4.tcp_keepalive_probes=4", { keepAliveProbes: 4 }],
        ["sysctl -q net.ipv4.tcp_max_syn_backlog=2", { halfOpen: 2 }],
        ["sysctl -q net.ipv4.tcp_max_tw_buckets=3", { timeWaits: 3 }],
        ["sysctl -q net.ipv4.tcp_invalid_ratelimit=250", { challengeInterval: 250 }],
        ['sysctl -q net.ipv4.tcp_rmem="4096 8192 65535"', { receiveBuffer: 8192 }],
        ['sysctl -q net.ipv4.tcp_wmem="4096 5000 65535"', { sendBuffer: 5000 }],
        // 1 + 2 + 4 seconds
        ["sysctl -q net.ipv4.tcp_syn_retries=2", { r2Syn: 7000 }],
        // 1, 2, 4 ... 32 and then 60 seconds each
        ["sysctl -q net.ipv4.tcp_syn_retries=7", { r2Syn: 183_000 }],
        ["../common/set_sysctls.py /proc/sys/net/ipv4/tcp_sack=0", { sack: 0 }],
        ["sysctl -q net.ipv4.tcp_sack=0 \\\n net.ipv4.tcp_timestamps=0", { sack: 0, timestamps: 0 }],
        [
            "sysctl -q net.ipv4.tcp_sack=0; sysctl -q net.ipv4.tcp_timestamps=0 > /dev/null 2>&1",
            { timestamps: 0 },
        ],
        ["sysctl -q net.ipv4.tcp_window_scaling=1 && sysctl net.ipv4.tcp_ecn=0", {}],
        ["../../common/defaults.sh\n# nothing\n", {}],
        ["sysctl -q net.ipv4.tcp_sack=0   # off; for good", { sack: 0 }],
        ["/tmp/sysctl_restore_$PPID.sh", {}],
        ["ip tcp_metrics flush all > /dev/null 2>&1", {}],
    ])("%j sets %j", (commands, expected) => {
        expect(config(commands)).toMatchObject(expected)
    })

    test.each([
        ["rm -rf /", "a command that means nothing here: rm -rf /"],
        [
            "tc qdisc add dev tun0 root pfifo limit 0",
            "a command that means nothing here: tc qdisc add dev tun0 root pfifo limit 0",
        ],
        ["sysctl -q net.ipv4.tcp_window_scaling=0", "net.ipv4.tcp_window_scaling=0: here it is always 1"],
        ["sysctl -q net.ipv4.tcp_sack=2", "net.ipv4.tcp_sack=2: a number from 0 to 1"],
        ["sysctl -q net.ipv4.tcp_rmem=5", "net.ipv4.tcp_rmem=5: three numbers: least, default, most"],
        ["sysctl -q net.ipv4.frob=1", "net.ipv4.frob means nothing here"],
        ["sysctl -q kernel.tcp_sack=1", "kernel.tcp_sack means nothing here"],
        ["sysctl -a", "a command that means nothing here: sysctl -a"],
    ])("%s is refused with its line: %s", (command, message) => {
        expect(() => config(`x/defaults.sh\n${command}`)).toThrow(`x.pkt:2: ${message}`)
    })

    test("settings after the first event are refused", async () => {
        const late = `${EVENT}\n+0 \`sysctl -q net.ipv4.tcp_sack=0\``
        expect(await verdict(late)).toContain(
            "x.pkt:2: settings can be made before the first event only: net.ipv4.tcp_sack"
        )
        await play(`${EVENT}\n+0 \`../common/defaults.sh\`\n\`/tmp/sysctl_restore_1.sh\``)
    })
})

test("--mtu, --bind_port and --config reach the stack", async () => {
    await play(`--mtu=600\n--bind_port=80\n--config=timestamps=0,sack=0,receiveBuffer=777
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 1000
+0 > 80 > 50000 S. 0:0(0) ack 1 win 777 <mss 560>`)
})

test("a peer in another network is reached through a router", async () => {
    await play(`--local_ip=192.168.0.1\n--remote_ip=192.0.2.1\n${PLAIN}${CONNECTED}`)
})

test("a clock that wraps during the script changes no times", async () => {
    await play(`--clock=4294967200\n${PLAIN}${CONNECTED}+0 write(4, ..., 10) = 10
+0 > P. 1:11(10) ack 1
+1 > P. 1:11(10) ack 1
+2 > P. 1:11(10) ack 1`)
})
