import { describe, expect, test } from "vitest"
import { Answer } from "../../sim/options/command-line"
import { OptionError } from "../../sim/options/error"
import { type Options, parseOptions } from "../../sim/options/options"

const atTerminal = { terminal: true }
const inPipe = { terminal: false }

function words(line: string): string[] {
    return line === "" ? [] : line.split(" ")
}

function parse(line: string, surroundings = inPipe): Options {
    return parseOptions(words(line), surroundings)
}

function refusal(line: string[]): string {
    try {
        parseOptions(line, atTerminal)
    } catch (error) {
        if (error instanceof OptionError) return error.message
        throw error
    }
    throw new Error(`${line.join(" ")} was taken`)
}

describe("the mode of a run", () => {
    test.each<[string, typeof inPipe, Partial<Options>]>([
        ["", atTerminal, { mode: "console", example: true, time: "real" }],
        ["", inPipe, { mode: "batch", example: true, time: "virtual" }],
        ["--once", atTerminal, { mode: "batch", example: true, time: "virtual" }],
        ["--once --time real", inPipe, { mode: "batch", example: true, time: "real" }],
        ["--exec help", atTerminal, { mode: "batch", example: false, time: "virtual", commands: ["help"] }],
        ["--once --exec help", inPipe, { mode: "batch", example: true, commands: ["help"] }],
        ["--time virtual", atTerminal, { mode: "console", example: true, time: "virtual" }],
        [
            "--json",
            inPipe,
            { mode: "batch", example: true, json: true, keepGoing: false, quiet: false, color: undefined },
        ],
        [
            "--exec help --keep-going --quiet --no-color",
            inPipe,
            { keepGoing: true, quiet: true, color: false },
        ],
        ["--control", inPipe, { mode: "control", example: false, time: "real" }],
        ["--ui", inPipe, { mode: "ui", ui: 0, example: true, time: "real", router: "10.0.0.3" }],
        ["--ui=8090 --time virtual", atTerminal, { mode: "ui", ui: 8090, time: "virtual" }],
        ["--ui 0 --stage filtered", inPipe, { mode: "ui", ui: 0, example: false, time: "virtual" }],
        ["--ui --program src/examples/web.ts", inPipe, { mode: "ui", example: false, forwards: [] }],
        ["--ui --link user", inPipe, { mode: "ui", example: false, time: "real" }],
        ["--link stream:unix:x", inPipe, { mode: "serve", example: false, time: "real" }],
        ["--link stream:unix:x", atTerminal, { mode: "console", example: false, time: "real" }],
        ["--link stream:h:1 --exec help", inPipe, { mode: "batch", example: false, time: "real" }],
        ["--link stream:h:1 --control", inPipe, { mode: "control", example: false, time: "real" }],
    ])('"%s" at %o is %o', (line, surroundings, expected) => {
        expect(parse(line, surroundings)).toMatchObject(expected)
    })
})

describe("defaults of a run", () => {
    test("the built-in network is 10.0.0.0/24 with 5 ms each way, and repeats", () => {
        expect(parse("")).toMatchObject({
            runtime: "vm",
            board: { name: "w5500_evb_pico", chip: "w5500" },
            link: "builtin",
            seed: 1,
            ip: "10.0.0.2",
            prefix: 24,
            gateway: "10.0.0.1",
            macAddress: undefined,
            config: {},
            pcap: undefined,
            impairments: { loss: 0, delay: 5, jitter: 0 },
        })
    })

    test("a stream link has no router, no delay and real randomness", () => {
        const { gateway, seed, impairments } = parse("--link stream:unix:x")
        expect({ gateway, seed, delay: impairments.delay }).toEqual({ delay: 0 })
    })

    test("the server of a built-in network is its first host that is not the device", () => {
        expect(parse("--ip 192.168.7.9/24").gateway).toBe("192.168.7.1")
        expect(parse("--ip 192.168.7.1/24").gateway).toBe("192.168.7.2")
        expect(parse("--ip 172.16.200.9/12").gateway).toBe("172.16.0.1")
        expect(parse("--ip 192.168.7.9/24 --gateway 192.168.7.200").gateway).toBe("192.168.7.200")
    })

    test("--impair leaves the delay as it is unless it sets one", () => {
        expect(parse("--impair loss=0.5").impairments).toMatchObject({ loss: 0.5, delay: 5 })
        expect(parse("--impair loss=0.5,delay=0").impairments).toMatchObject({ loss: 0.5, delay: 0 })
        expect(parse("--impair loss=0.5 --link stream:h:1").impairments).toMatchObject({
            loss: 0.5,
            delay: 0,
        })
    })
})

test("--runtime, --seed, --mac-address, --pcap and --config have their values", () => {
    const line =
        "--runtime node --seed 4294967295 --mac-address 0A:0b:0c:0d:0e:0F --pcap x.pcapng " +
        "--config connections=2,iss=4294967295"
    expect(parse(line)).toMatchObject({
        runtime: "node",
        seed: 0xffff_ffff,
        macAddress: "0a:0b:0c:0d:0e:0f",
        pcap: "x.pcapng",
        config: { connections: 2, iss: 0xffff_ffff },
    })
})

test("--link user has a router, the page's port, and the ports of --forward", () => {
    expect(parse("--link user")).toMatchObject({
        link: "user",
        gateway: "10.0.0.1",
        time: "real",
        forwards: [{ host: "127.0.0.1", hostPort: 8080, deviceIp: "10.0.0.2", devicePort: 80 }],
    })
    expect(parse("--link user --ip 10.1.2.1/24 --forward 9000:7 --forward 0.0.0.0:81:80")).toMatchObject({
        gateway: "10.1.2.2",
        forwards: [
            { host: "127.0.0.1", hostPort: 9000, deviceIp: "10.1.2.1", devicePort: 7 },
            { host: "0.0.0.0", hostPort: 81, deviceIp: "10.1.2.1", devicePort: 80 },
        ],
    })
    expect(parse("").forwards).toEqual([])
})

test("the built-in network at a terminal has a router of its own, for the page", () => {
    const page = { host: "127.0.0.1", hostPort: 8080, deviceIp: "10.0.0.2", devicePort: 80, orAny: true }
    const { server, router, gateway, forwards } = parse("", atTerminal)
    expect({ server, router, gateway, forwards }).toEqual({
        server: "10.0.0.1",
        router: "10.0.0.3",
        gateway: "10.0.0.3",
        forwards: [page],
    })
    expect(parse("--forward 9000:7", atTerminal).forwards).toMatchObject([{ hostPort: 9000, devicePort: 7 }])
    // virtual time passes no browser's
    expect(parse("--time virtual", atTerminal)).toMatchObject({ router: undefined, forwards: [] })
    // there are but two
    expect(parse("--ip 10.0.0.2/30", atTerminal)).toMatchObject({ server: "10.0.0.1", router: undefined })
})

describe("options of several devices", () => {
    test("the devices have the next free addresses of their network", () => {
        const others = (line: string) => parse(line).others.map(({ runtime, ip }) => `${runtime} ${ip}`)
        expect(parse("--runtime node,vm")).toMatchObject({ runtime: "node", ip: "10.0.0.2" })
        expect(others("--runtime node,vm")).toEqual(["vm 10.0.0.3"])
        expect(others("--runtime vm,vm,node --ip 10.0.0.5/24")).toEqual(["vm 10.0.0.2", "node 10.0.0.3"])
        expect(others("--runtime vm,vm --gateway 10.0.0.3")).toEqual(["vm 10.0.0.1"])
        expect(others("--runtime vm,vm,vm --link tap:t=10.0.0.3/24")).toEqual(["vm 10.0.0.4", "vm 10.0.0.5"])
    })

    test("each device can have forwarded ports", () => {
        const line =
            "--link user --runtime vm,node --forward 81:80 --forward 82:10.0.0.3:80 --forward 0.0.0.0:83:10.0.0.3:7"
        expect(parse(line).forwards).toEqual([
            { host: "127.0.0.1", hostPort: 81, deviceIp: "10.0.0.2", devicePort: 80 },
            { host: "127.0.0.1", hostPort: 82, deviceIp: "10.0.0.3", devicePort: 80 },
            { host: "0.0.0.0", hostPort: 83, deviceIp: "10.0.0.3", devicePort: 7 },
        ])
    })
})

describe("options that are refused in one line", () => {
    test.each<[string, RegExp]>([
        ["--bogus", /unknown option '--bogus'/],
        ["--onc", /Did you mean --once/],
        ["extra", /unexpected argument "extra"/],
        ["--seed", /'--seed <N>' argument missing/],
        ["--seed -1", /--seed -1 .* from 0 to 4294967295/],
        ["--seed 1.5", /whole number/],
        ["--seed 4294967296", /from 0 to 4294967295/],
        ["--runtime wasm", /--runtime wasm is not valid; use vm or node/],
        ["--mac enc424j600", /--mac enc424j600 is not valid; use .*w5500/],
        ["--time slow", /--time slow is not valid; use real or virtual/],
        [
            "--link tap0",
            /--link tap0 is not valid; use builtin, user, passt, stream:HOST:PORT, stream:unix:PATH or, on Linux, tap:NAME/,
        ],
        [
            "--once --forward 8080:80",
            /--forward needs --link user or passt, or a built-in link that stays up/,
        ],
        ["--link stream:h:1 --forward 8080:80", /--forward needs --link user/],
        [
            "--link user --forward 10.0.0.9:80:10.0.0.3:80",
            /no device has the address 10\.0\.0\.3; the addresses are 10\.0\.0\.2$/,
        ],
        ["--link passt --runtime vm,vm --forward 81:10.0.0.3:80", /passt forwards to 10\.0\.0\.2 only/],
        ["--link user --forward 1:2:3:4:5", /is not valid; use \[HOSTADDR:\]HOSTPORT:/],
        ["--runtime vm,", /--runtime {2}is not valid; use vm or node/],
        ["--runtime vm,vm,vm,vm,vm,vm,vm,vm,vm", /9 devices are too many/],
        ["--runtime vm,vm --ip 10.0.0.2/30", /10\.0\.0\.2\/30 has too few addresses/],
        ["--link user --forward 80", /--forward 80/],
        ["--link user --forward 8080:0", /--forward/],
        ["--link user --once", /the example needs the server of the built-in link/],
        ["--link user --time virtual", /the other end of the link runs in real time/],
        ["--link stream:host", /the port is missing/],
        ["--link stream:unix:", /the path is missing/],
        ["--ip 10.0.0.2", /--ip 10\.0\.0\.2 .* as 10\.0\.0\.2\/24/],
        ["--ip 10.0.0.2/33", /prefix/],
        ["--ip 10.0.0.256/24", /not an address/],
        ["--ip 10.0.0.0/24", /the network itself/],
        ["--ip 10.0.0.255/24", /broadcast/],
        ["--ip 224.0.0.1/24", /not the address of a host/],
        ["--ip 127.0.0.1/8", /not the address of a host/],
        ["--gateway 10.0.1.1", /not in the network of 10\.0\.0\.2\/24/],
        ["--gateway 10.0.0.2", /the device itself/],
        ["--gateway router", /not an address/],
        ["--mac-address 01:00:00:00:00:01", /not a station's address/],
        ["--mac-address 00:00:00:00:00:00", /not a station's address/],
        ["--mac-address 02:00:00:00:00", /not a station's address/],
        ["--config conns=1", /unknown configuration key "conns"; known: connections, halfOpen,.* localPort/],
        ["--config conns=x", /unknown configuration key "conns"/],
        ["--config connections", /connections has no value/],
        ["--config connections=many", /connections=many is not a whole number/],
        ["--config connections=0", /connections must be a whole number from 1 to/],
        ["--config ttl=1,ttl=2", /ttl is given twice/],
        ["--config __proto__=1", /unknown configuration key "__proto__"/],
        ["--config constructor=1", /unknown configuration key "constructor"/],
        ["--config mtu=9000", /mtu must be .* from 576 to 1500/],
        ["--config events=0", /at least 1/],
        ["--impair loss=2", /--impair: loss=2 .* a probability from 0 to 1/],
        ["--impair speed=1", /unknown key "speed"/],
        ["--fault smoke=1", /^--fault: unknown fault "smoke" \(known: miso-errors, /],
        ["--fault miso-errors=0.2", /miso-errors=0.2 is not valid: miso-errors takes a probability per bit/],
        ["--fault brown-out=5@x", /brown-out=5@x is not valid: brown-out takes milliseconds/],
        ["--fault overflows=-1", /overflows=-1 is not valid/],
        ["--fault dead", /dead is not valid: dead takes 0 or 255, or -1/],
        ["--time virtual --link stream:h:1", /cannot be combined/],
        ["--time virtual --control", /cannot be combined/],
        ["--once --link stream:h:1", /cannot be combined: the example needs/],
        ["--control --once", /cannot be combined/],
        ["--ui=http", /^--ui http is not a port of this computer, from 1 to 65535 \(0: any that is free\)$/],
        ["--ui=65536", /^--ui 65536 is not a port/],
        ["--ui --once", /^--ui and --once cannot be combined: the dashboard runs until you end it$/],
        ["--ui --exec help", /cannot be combined: the dashboard has a console/],
        ["--ui --json", /cannot be combined: the dashboard shows the events/],
        ["--ui --pcap x.pcapng", /cannot be combined: the dashboard begins new networks/],
        ["--ui --control", /cannot be combined: the dashboard drives the device/],
        ["--ui --link user --stage filtered", /--link user and --stage cannot be combined/],
        ["--keep-going", /--keep-going needs --exec/],
        ["--control --exec help", /cannot be combined/],
        ["--control --json", /cannot be combined/],
        ["--jacdac 8085 --control", /cannot be combined: another program gives the commands/],
        ["--jacdac 8085 --time virtual", /cannot be combined: the console .* runs in real time/],
        ["--jacdac 8085 --runtime vm,node", /cannot be combined: only the VM has a Jacdac bus/],
        ["--jacdac 70000", /^--jacdac 70000 is not /],
    ])('"%s" is refused', (line, expected) => {
        const message = refusal(words(line))
        expect(message).toMatch(expected)
        expect(message).toMatch(/^[\x20-\x7e]+$/)
    })

    test("a quote that is not closed is refused", () => {
        expect(refusal(["--exec", "send 3 'x; close 3"])).toMatch(
            /--exec the quote ' is opened and never closed/
        )
    })

    test("control characters of an option are not printed", () => {
        expect(refusal(["--link", "a\nb\x1b[31m"])).toMatch(/^--link a\?b\?\[31m is not valid/)
    })
})

describe("--help and --version", () => {
    function answer(line: string): string {
        try {
            parseOptions(words(line), atTerminal)
        } catch (error) {
            if (error instanceof Answer) return error.message
            throw error
        }
        throw new Error(`${line} has no answer`)
    }

    test("--stage list prints the names, one a line; an unknown name is one line", () => {
        const names = answer("--stage list").trimEnd().split("\n")
        expect(names).toContain("gateway-silent")
        for (const name of names) expect(name).toMatch(/^[a-z-]+$/)
        expect(refusal(["--stage", "nonsense"])).toMatch(
            /^--stage: unknown name "nonsense" \(known: wrong-address, /
        )
        expect(refusal(["--stage", "filtered", "--link", "user"])).toMatch(
            /--link user and --stage cannot be/
        )
    })

    test("--help fits a screen of 80 by 24 below what npm prints", () => {
        const lines = answer("--help").trimEnd().split("\n")
        expect(lines.length).toBeLessThanOrEqual(24 - 4)
        for (const line of lines) expect(line.length).toBeLessThan(80)
    })

    test("--help names each option and the exit codes", () => {
        const help = answer("-h")
        const known =
            "runtime program without board pins seed time link forward ip gateway mac-address config once exec keep-going quiet no-color json pcap impair fault ui control help"
        for (const name of known.split(" ")) expect(help).toMatch(new RegExp(`--${name}\\b.*\\S`))
        expect(help).toMatch(/0 .*, 1 .*, 2 /)
    })

    test("--version is the package's", () => {
        expect(answer("--version")).toMatch(/^\d+\.\d+\.\d+\n$/)
    })
})
