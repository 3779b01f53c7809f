// The options of `npm start` and what its help says of them. Apart from sim/options/options.ts, so that the help needs no more modules.

import { CommandLine, usage } from "./command-line"

/** The parsers of options' values, by the options' names; an option without one takes its text. */
type Parsers = { readonly [name: string]: (text: string) => unknown }

/** Returns the command line of the simulator. */
export function simulatorOptions(parsers: Parsers = {}): CommandLine {
    const command = new CommandLine(
        `${usage("start", "sim")}: a TCP/IP stack in DeviceScript on a simulated board`
    )
    // an option without a description is described in the line of another one: otherwise the help would not fit a screen
    const add = (flags: string, description = "", byDefault?: unknown) => {
        const [, name = ""] = /^--(\S+)/.exec(flags) ?? []
        command.add(flags, description, parsers[name], byDefault)
    }
    add("--runtime <vm|node,...>", "runtime of the device (vm), one for each device")
    add("--program <FILE>", "run this program (--watch: again at each change)")
    add("--without <NAME,...>", "build without these features (src/features.ts)")
    add("--board <NAME>", "the board, or list; --pins CS=GP5 moves its wires")
    add("--pins <LINE=PIN,...>")
    // the older option, which chooses a board by its chip
    add("--mac <CHIP>")
    add("--seed <N>", "seed of all random numbers, to repeat a run")
    add("--time <real|virtual>", "virtual: as fast as possible (--once, --exec)")
    add("--link <L>", "builtin, user, passt, tap:NAME, stream:ADDRESS", "builtin")
    add("--forward <[A:]P:[D:]Q>", "forward port P here (8080) to port Q there (80)")
    add("--ip <A.B.C.D/N>", "its address (10.0.0.2/24); --gateway: its router")
    add("--gateway <A.B.C.D>")
    add("--mac-address <XX:...>", "the device's Ethernet address")
    add("--config <KEY=VALUE,...>", "stack settings, as connections=4,timeWait=9000", {})
    add("--once", "run the example only, or a program's handshakes")
    // sim/command/watch.ts has it
    add("--watch")
    add("--exec <'C; C'>", "run these console commands only; --keep-going: all")
    add("--keep-going")
    add("--quiet")
    add("--no-color")
    add("--json", "JSON events; --quiet: results; --no-color: plain")
    add("--pcap <FILE>", "capture frames (pcapng); --jacdac PORT: console")
    add("--jacdac <PORT>")
    add("--impair <KEY=VALUE,...>", "loss dup reorder corrupt, delay jitter (ms), rate")
    add("--fault <KEY=VALUE,...>", "chip faults, as brown-out=9; --stage list: others")
    add("--stage <NAME|list>")
    add("--ui [PORT]", "dashboard in the browser; --control: for programs")
    add("--control")
    return command
}
