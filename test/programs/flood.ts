// SYN cookies, TIME-WAIT and challenges on whichever runtime: sends frames to a stack, and prints what came of them.

import "../../boards/host/pipe"
import * as ds from "@devicescript/core"
import { Buffer } from "@devicescript/core"
import { readI32, writeI32, writeU16 } from "../../src/base/bytes"
import { Counter } from "../../src/base/counters"
import { receive } from "../../src/net/receive"
import { Stack, setAddress } from "../../src/net/stack"
import { transmit } from "../../src/net/transmit"
import { accept, close, listen, stateOf } from "../../src/tcp/calls"
import { Config } from "../../src/tcp/config"
import { stateName } from "../../src/tcp/records"
import { checksumOf, onesSum } from "../../src/wire/checksum"
import { Protocol, pseudoSum, writeIpv4 } from "../../src/wire/ipv4"
import { Flag, Tcp, writeMss, writeTimestamps, writeWindowScale } from "../../src/wire/tcp"

const HOST = 0x0200000a
const CLIENT = 0x0100000a
const AT = 34

const config = new Config()
config.halfOpen = 2
config.timeWaits = 2
config.connections = 3
const stack = new Stack(config, Buffer.from("020000000002", "hex"))
setAddress(stack, HOST, 0x00ffffff, 0)
const listener = listen(stack, 7, 4)
const ethernet = Buffer.from("0200000000020a00000000010800", "hex")

/** What the stack answered last: length, and the fields of its header. */
let length = 0
let sequence = 0
let stamp = 0

/** Sends a segment from a port of the client, and takes the answers: the last one counts. */
function send(port: number, seq: number, ack: number, flags: number, echo: number, now: number): void {
    const rx = stack.rx
    rx.blitAt(0, ethernet, 0, 14)
    let end = AT + Tcp.Size
    if (flags & Flag.Syn) end = writeMss(rx, end, 1400)
    end = writeTimestamps(rx, end, (flags & Flag.Syn) !== 0, now, echo)
    if (flags & Flag.Syn) end = writeWindowScale(rx, end, 7)
    const size = end - AT
    writeU16(rx, AT, port)
    writeU16(rx, AT + Tcp.DestinationPort, 7)
    writeI32(rx, AT + Tcp.Sequence, seq)
    writeI32(rx, AT + Tcp.Acknowledgment, ack)
    rx.setAt(AT + Tcp.DataOffset, "u16", (size << 2) | (flags << 8))
    writeU16(rx, AT + Tcp.Window, 1000)
    rx.setAt(AT + Tcp.Checksum, "i32", 0)
    const sum = onesSum(rx, AT, size, pseudoSum(CLIENT, HOST, Protocol.Tcp, size))
    rx.setAt(AT + Tcp.Checksum, "u16", checksumOf(sum))
    writeIpv4(rx, 14, 20 + size, 1, 64, Protocol.Tcp, CLIENT, HOST)
    receive(stack, end, now)
    take(now)
}

function take(now: number): void {
    length = 0
    for (let n = transmit(stack, now); n > 0; n = transmit(stack, now)) {
        // not the requests for the client's address
        if (stack.tx.getAt(12, "u16") !== 8) continue
        length = n
        sequence = readI32(stack.tx, AT + Tcp.Sequence)
        stamp = readI32(stack.tx, AT + Tcp.Size + (n === 66 ? 4 : 8))
    }
}

/** The client's answer to a request for its Ethernet address. */
function introduce(now: number): void {
    const arp = Buffer.from(
        "0200000000020a00000000010806" + "00010800060400010a00000000010a0000010000000000000a000002",
        "hex"
    )
    stack.rx.blitAt(0, arp, 0, arp.length)
    receive(stack, arp.length, now)
    take(now)
}

function counters(what: string): void {
    const sent = stack.counters.getAt(Counter.CookiesSent, "i32")
    const taken = stack.counters.getAt(Counter.CookiesTaken, "i32")
    const resets = stack.counters.getAt(Counter.ResetsSent, "i32")
    const challenges = stack.counters.getAt(Counter.ChallengeAcks, "i32")
    const full = stack.counters.getAt(Counter.TimeWaitsFull, "i32")
    console.log(`${what}: ${sent} ${taken} ${resets} ${challenges} ${full}`)
    console.log(`ends: ${stack.connsEnd} ${stack.halvesEnd} ${stack.waitsEnd}`)
}

/** Connects by a cookie, sends a wrong ACK before the right one, closes; gives the connection's id. */
function session(port: number, now: number): number {
    send(port, 5000, 0, Flag.Syn, 0, now)
    const behind = (stamp & 31) === (16 | 7) ? "" : " not"
    console.log(`SYN-ACK of ${length} bytes, scale 7 and SACK do${behind} stand in it`)
    const iss = sequence
    const echo = stamp
    send(port, 5001, (iss + 2) | 0, Flag.Ack, echo, now + 10)
    console.log(`wrong ACK: ${length} bytes`)
    send(port, 5001, (iss + 1) | 0, Flag.Ack, (echo + 100000) | 0, now + 20)
    console.log(`wrong echo: ${length} bytes`)
    send(port, 5001, (iss + 1) | 0, Flag.Ack, echo, now + 30)
    const id = accept(stack, listener)
    console.log(`right ACK: ${length} bytes, ${stateName(stateOf(stack, id))}`)
    send(port, 9000, iss, Flag.Ack, echo, now + 40)
    console.log(`stray ACK: ${length} bytes`)
    close(stack, id, now + 50)
    take(now + 50)
    send(port, 5001, (iss + 2) | 0, Flag.Fin | Flag.Ack, echo, now + 60)
    console.log(`FIN: ${length} bytes, ${stateName(stateOf(stack, id))}`)
    send(port, 5001, (iss + 2) | 0, Flag.Fin | Flag.Ack, echo, now + 70)
    console.log(`FIN again: ${length} bytes, ${(sequence - iss) | 0}`)
    send(port, 5001, 0, Flag.Rst, echo, now + 80)
    console.log(`RST: ${length} bytes, ${stateName(stateOf(stack, id))}`)
    return id
}

// before and after the time wraps, and passes 2^31
for (const start of [1000, 0x7fffffff - 40, -40]) {
    await ds.sleep(1)
    introduce(start)
    send(60000, 1, 0, Flag.Syn, 0, start)
    send(60001, 1, 0, Flag.Syn, 0, start)
    const first = session(6000, start)
    await ds.sleep(1)
    session(6001, start + 100)
    await ds.sleep(1)
    session(6002, start + 200)
    counters(`at ${start}`)
    console.log(`first: ${stateName(stateOf(stack, first))}`)
    await ds.sleep(1)
    // a minute later all is over
    for (let s = 1; s < 70; s++) {
        take((start + s * 1000) | 0)
        if (s % 10 === 0) await ds.sleep(1)
    }
    counters("end")
}
introduce(200000)
send(60000, 1, 0, Flag.Syn, 0, 200000)
send(60001, 1, 0, Flag.Syn, 0, 200000)
for (let round = 0; round < 2; round++) {
    for (let i = 0; i < 1500; i++) {
        send(1024 + i, i * 7919, 0, Flag.Syn, 0, 200000 + i)
        if (i % 5 === 0) await ds.sleep(1)
    }
    counters("flood")
    await ds.sleep(1000)
}
