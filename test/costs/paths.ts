// The paths of a whole device that are measured (whole.ts): those of a conversation, by their names.

import type { Command } from "../fuzz/vm-program"
import { CostPeer } from "./count"
import { type Cost, type Profile, WholeDevice } from "./whole"

/** Bytes of an echo: a command, and most of a full segment. */
const SMALL = 22
const LARGE = 1024
const PING = 56
const PLAIN = ["mss 1460"]
/** The options of a SYN from Linux but for the timestamps, which a peer with timestamps adds. */
const LINUX = ["mss 1460", "sackOK", "nop", "wscale 7"]
/** Each path is taken this often, after rests of several lengths, ms, and the least counts: now and then a timer runs in it, too. */
const ROUNDS = 3
const REST = 370

export interface Path {
    cost: Cost
    profile: Profile
}

/**
 * Measures all paths: "syn", "established", "ack" and so on. Those with "Linux" are a peer's with the options of Linux; those with "Third" a
 * peer's whose connection comes after two others.
 */
export async function measurePaths(): Promise<Map<string, Path>> {
    const device = await new WholeDevice().start()
    const paths = new Map<string, Path>()
    const note = (name: string, cost: Cost) => {
        const known = paths.get(name)
        if (known !== undefined && known.cost.operations <= cost.operations) return
        paths.set(name, { cost, profile: device.profile })
    }
    const exchange = async (name: string, { bytes }: Command) => {
        const { cost, answer } = await device.exchange(bytes)
        note(name, cost)
        return answer
    }
    const swallow = async (name: string, { bytes }: Command) => note(name, await device.swallow(bytes))
    const echo = async (peer: CostPeer, length: number, kind: string) => {
        peer.hears(await exchange(`echo${length}${kind}`, peer.segment("P.", length)))
        await swallow(`ack${kind}`, peer.segment("."))
    }
    let port = 41_000
    const converse = async (options: string[], kind: string, rest = 0) => {
        const peer = new CostPeer(options === LINUX, port++)
        peer.hears(await exchange(`syn${kind}`, peer.segment("S", 0, options)))
        await swallow(`established${kind}`, peer.segment("."))
        for (const length of [SMALL, SMALL, LARGE, LARGE]) {
            await device.rest(rest)
            await echo(peer, length, kind)
        }
        return peer
    }
    const rounds = async (options: string[], kind: string) => {
        for (let round = 0; round < ROUNDS; round++) {
            const peer = await converse(options, kind, round * REST)
            await device.deliver(peer.segment("R.").bytes)
        }
    }
    const stranger = new CostPeer(false)
    await device.deliver(stranger.arp().bytes)
    for (let round = 0; round < ROUNDS; round++) {
        await exchange("arp", stranger.arp())
        await exchange("ping", stranger.ping(PING))
    }
    note("idle", await device.idle())
    await rounds(PLAIN, "")
    await rounds(LINUX, "Linux")
    for (const other of ["First", "Second"]) await converse(PLAIN, other)
    await rounds(PLAIN, "Third")
    device.stop()
    return paths
}
