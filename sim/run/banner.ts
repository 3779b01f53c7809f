// The lines that describe a run to its user: what runs, what the user can do now, why the run ends.

import { INSTALLED } from "../build/places"
import { SIMULATOR_PORT } from "../device/jacdac"
import { urlOf } from "../options/forward"
import type { Options } from "../options/options"
import type { Forward } from "../router/incoming"
import { hostName } from "./boot"

/** Returns milliseconds as text, in seconds from 1000 on. */
function span(ms: number): string {
    return ms >= 1000 ? `${ms / 1000} s` : `${ms} ms`
}

/** Returns the lines that say what is about to run. */
export function opening(options: Options): string[] {
    const { board, runtime, others, link, ip, prefix, server, router, seed, time, impairments } = options
    const what = options.program ?? "the flashed image"
    const runs = { vm: `${what} on DeviceScript's VM`, node: `${options.program ?? "its sources"} on Node` }
    const devices = [
        `${hostName(0)}  ${board.title} at ${ip}/${prefix}`,
        `        ${runs[runtime]}`,
        ...others.map(
            (other, n) => `${hostName(n + 1)}  the same board at ${other.ip}: ${runs[other.runtime]}`
        ),
    ]
    const routed = router === undefined ? [] : [`router  ${router} leads to this computer's network`]
    if (link !== "builtin") return [...devices, ...routed, `link    ${link}`]
    const { delay, jitter, rate, ...chances } = impairments
    const troubles = [
        `${span(delay)} each way`,
        ...(jitter > 0 ? [`+-${span(jitter)}`] : []),
        ...Object.entries(chances)
            .filter(([, chance]) => chance > 0)
            .map(([name, chance]) => `${name} ${Math.round(chance * 10_000) / 100}%`),
        ...(rate > 0 ? [`${rate / 1e6} Mbit/s`] : []),
    ]
    return [
        ...devices,
        `server  another host at ${server}: the same stack, in this process`,
        ...routed,
        `link    ${troubles.join(", ")}; ${time} time, seed ${seed}`,
    ]
}

/**
 * Returns the lines that say what the user can do now. `open` are the forwards with their actual ports, and `id` is the number of the
 * connection that the example left open.
 */
export function serving(
    options: Options,
    open: readonly Forward[] = options.forwards,
    id: number | undefined = undefined
): string[] {
    const { link, ip, others, time, mode } = options
    const forwarded = open.map(forward => describeForward(forward, ip))
    if (mode === "program") return [...forwarded, "The program runs until Ctrl-C or another signal.", ""]
    if (mode === "ui" && options.program !== undefined) return forwarded
    const hint = link === "builtin" ? "" : ' "trace on" shows segments as they come and go.'
    return [
        `${ip} serves echo on port 7 and a page on port 80.`,
        ...(others.length === 0
            ? []
            : [
                  `So do ${others.map(other => other.ip).join(", ")}; "on 2 COMMAND" runs a command on host 2.`,
              ]),
        ...forwarded,
        ...(id === undefined ? [] : [`Connection ${id} is open: "send ${id} hello", "close ${id}".`]),
        ...(time === "virtual" ? ["Each command lets a second pass, or as much time as it waits for."] : []),
        mode === "console"
            ? `"help" lists the commands, Ctrl-D ends the run.${hint}`
            : mode === "ui"
              ? `"help" lists the commands.${hint}`
              : "Lines on standard input are commands; the run ends with the link or by a signal.",
    ]
}

/** Returns the lines that say why the run ends after the example when standard output is a pipe. */
export function leaving(): string[] {
    return [
        "The run ends here: without a terminal there is no console. To open the device's",
        "page in your browser all the same: npm start -- --link user",
    ]
}

/** Returns the line that says how a console reaches the device, whose Jacdac bus is at this port of this computer. */
export function cabled(port: number): string {
    const command = INSTALLED ? "npx devicescript-tcp console" : "npm run console --"
    const where = port === SIMULATOR_PORT ? "sim" : `tcp://127.0.0.1:${port}`
    return `Commands over its USB cable: ${command} --port ${where}`
}

/** Returns the line that says how a program of this computer reaches the device's port. */
function describeForward(forward: Forward, ip: string): string {
    const { host, hostPort, deviceIp, devicePort } = forward
    const whose = deviceIp === ip ? "Its" : `${deviceIp}'s`
    if (devicePort === 80) return `${whose} page in your browser: ${urlOf(forward)}`
    return `${whose} port ${devicePort} is port ${host}:${hostPort} of this computer.`
}
