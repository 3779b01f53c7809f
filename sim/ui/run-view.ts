// Describes a run for the page: its devices, the other hosts, and what it shows.

import type { Options } from "../options/options"
import { hostName } from "../run/boot"
import { stages } from "../stage/stages"
import type { RunView } from "./messages"

/** Returns the description of the run that these options begin. */
export function runView(options: Options): RunView {
    const { board, runtime, others, ip, prefix, server, router, link, time, stage, program } = options
    const runs = (one: "vm" | "node") => (one === "vm" ? "DeviceScript's VM" : "Node")
    const what = program ?? "the flashed program"
    const device = (number: number, one: { runtime: "vm" | "node"; ip: string }) => ({
        number,
        name: hostName(number),
        ip: `${one.ip}/${prefix}`,
        about: `${board.title}: ${what} on ${runs(one.runtime)}`,
    })
    const hosts = [
        ...(server === undefined
            ? []
            : [{ name: "server", ip: server, about: "the same stack, in this process" }]),
        ...(router === undefined
            ? []
            : [{ name: "router", ip: router, about: "leads to this computer's network" }]),
        ...(link === "builtin" || link === "user" ? [] : [{ name: "link", ip: "", about: link }]),
    ]
    return {
        kind: "run",
        devices: [device(0, { runtime, ip }), ...others.map((other, n) => device(n + 1, other))],
        hosts,
        time,
        stage: stage && { name: stage.name, about: stage.about },
        stageless:
            link === "builtin" ? "" : `Failures are staged on the built-in link, not on --link ${link}.`,
    }
}

/** Returns the failures that can be staged, for the page's buttons. */
export function stageList(): { readonly name: string; readonly about: string }[] {
    return stages.map(({ name, about }) => ({ name, about }))
}
