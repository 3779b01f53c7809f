// What a test asserts of a device. Each failure says what happened instead, with the ladder up to it.

import type { LabDevice, Which } from "./api"
import { logOf, whyOf } from "./lab"

/** The result of a matcher, in the form that vitest and Jest take. */
export interface Result {
    pass: boolean
    message: () => string
}

/** Returns whether a device had a connection with a host, at a port of either end, whose handshake was completed. */
export function toHaveConnected(device: LabDevice, ip?: string, port?: number): Result {
    const fits = device.connections.filter(one => {
        return (
            (ip === undefined || one.remoteIp === ip) &&
            (port === undefined || one.remotePort === port || one.localPort === port)
        )
    })
    const pass = fits.some(({ established }) => established)
    const what = [
        ...(ip === undefined ? [] : [`with ${ip}`]),
        ...(port === undefined ? [] : [`at port ${port}`]),
    ]
    const refused = fits.some(one => one.refused)
    const why =
        fits.length === 0
            ? "there was no SYN"
            : refused
              ? "the SYN was answered by a reset"
              : "no SYN-ACK was acknowledged"
    return {
        pass,
        message: () =>
            pass
                ? explained(device, `${device.name} has connected ${what.join(" ")}, and should not`)
                : explained(device, `${device.name} has not connected ${what.join(" ")}: ${why}`),
    }
}

/**
 * Returns whether a connection of a device (the first one, or the one of `which`) has these segments, one directly after the other, in the
 * words of `device.segments()`.
 */
export function toHaveSegments(device: LabDevice, expected: readonly string[], which?: Which): Result {
    const segments = device.segments(which)
    const pass = segments.some((_, i) => expected.every((segment, k) => segments[i + k] === segment))
    const list = (all: readonly string[]) => all.map(segment => `    ${segment}\n`).join("")
    return {
        pass,
        message: () =>
            pass
                ? explained(device, `${device.name} has these segments, and should not:\n${list(expected)}`)
                : explained(
                      device,
                      `${device.name} does not have these segments, one after the other:\n${list(expected)}but\n${list(segments)}`
                  ),
    }
}

/**
 * Returns whether a device has printed an error with this code, such as ECONNREFUSED, and a sentence, or the simulator has found this cause,
 * such as `port-closed`; for a pattern: whether a printed line or the sentence of a diagnosis fits it.
 */
export function toExplain(device: LabDevice, what: string | RegExp): Result {
    const fits = (line: string) =>
        typeof what === "string" ? new RegExp(`\\b${what}\\b, \\S.*`).test(line) : what.test(line)
    const pass =
        device.log.some(fits) ||
        device.diagnoses.some(({ cause, sentence }) =>
            typeof what === "string" ? cause === what : what.test(sentence)
        )
    const named = typeof what === "string" ? `the error ${what} with a sentence` : `a line like ${what}`
    return {
        pass,
        message: () =>
            explained(
                device,
                `${device.name} has ${pass ? "" : "not "}printed ${named}${pass ? ", and should not" : ", and no diagnosis fits"}`
            ),
    }
}

export const matchers = { toHaveConnected, toHaveSegments, toExplain }

function explained(device: LabDevice, text: string): string {
    const ended = device.ended === undefined ? [] : [device.ended]
    return [text, "", device.ladder(), ...whyOf(device), logOf(device.name, device.log), ...ended].join("\n")
}

/** What `check` returns: each method throws an Error when the device does not match. */
export interface Checks {
    toHaveConnected(ip?: string, port?: number): void
    toHaveSegments(expected: readonly string[], which?: Which): void
    toExplain(what: string | RegExp): void
}

/** Asserts without vitest: `check(board).toHaveConnected("10.0.0.1", 7)` throws an Error with the ladder when it did not. */
export function check(device: LabDevice): Checks {
    const checked = ({ pass, message }: Result) => {
        if (!pass) throw new Error(message())
    }
    return {
        toHaveConnected: (ip, port) => checked(toHaveConnected(device, ip, port)),
        toHaveSegments: (expected, which) => checked(toHaveSegments(device, expected, which)),
        toExplain: what => checked(toExplain(device, what)),
    }
}
