// What a run says of itself to a reader.

import { urlOf } from "../gateway/forward"
import type { Options } from "../options"

/** Milliseconds, as a person would say it. */
function span(ms: number): string {
    return ms >= 1000 ? `${ms / 1000} s` : `${ms} ms`
}

/** What is about to run. */
export function opening({ runtime, link, ip, prefix, gateway, seed, time, impairments }: Options): string[] {
    const program = runtime === "vm" ? "the flashed image on DeviceScript's VM" : "its sources on Node"
    const device = `Host X  W5500-EVB-Pico at ${ip}/${prefix}: ${program}`
    if (link !== "builtin") return [device, `link    ${link}`]
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
        device,
        `server  another host at ${gateway}: the same stack, in this process`,
        `link    ${troubles.join(", ")}; ${time} time, seed ${seed}`,
    ]
}

/** What can be done now. */
export function serving({ link, ip, time, mode, forwards }: Options): string[] {
    const hint = link === "builtin" ? "" : " trace on shows what comes and goes."
    return [
        `${ip} serves echo on port 7 and a page on port 80.`,
        ...forwards.map(forward =>
            forward.devicePort === 80
                ? `Its page in your browser: ${urlOf(forward)}`
                : `Its port ${forward.devicePort} is ${forward.host}:${forward.hostPort} here.`
        ),
        ...(time === "virtual" ? ["Time passes with each command: a second, or what it waits for."] : []),
        mode === "console"
            ? `help lists the commands, Ctrl-D leaves.${hint}`
            : "Lines on standard input are commands; it ends with the link, or by a signal.",
    ]
}
