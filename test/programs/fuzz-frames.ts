// A stack that the host drives step by step, on either runtime: see test/fuzz/vm-program.ts.
//
// Between two awaits stands what stands there in a driver's loop (socket/driver-loop.ts): a frame is taken and the first
// answer made, or the next answer made. Then as many operations are burnt as the host says: if it was more work than
// there may be, the VM ends the program at 131,072.

import "../../boards/host/pipe"
import * as ds from "@devicescript/core"
import { sink } from "../../src/base/events"
import { boot } from "../../src/boot"
import { receive } from "../../src/net/receive"
import { Stack, setAddress } from "../../src/net/stack"
import { deadline, transmit } from "../../src/net/transmit"
import { abort, accept, close, connect, listen, read, shutdown, write } from "../../src/tcp/calls"
import { Config, configure } from "../../src/tcp/config"
import { setKeepAlive, setNoDelay, setReceiveLimit, setUserTimeout } from "../../src/tcp/connection-settings"

/** What the host puts into the boot options. */
interface Options {
    config: { [key: string]: number }
    /** 16 bytes in hexadecimal digits: what sequence numbers are hashed from. */
    secret: string
    ip: number
    netmask: number
    gateway: number
    mac: string
}

/** A command of the host, and the answer to the one before: both in the one buffer that goes back and forth. */
const enum Message {
    Kind = 0,
    Code = 1,
    More = 2,
    Now = 4,
    A = 8,
    B = 12,
    C = 16,
    /** Bytes that follow at Data. */
    Size = 20,
    /** Turns of 9 operations to be burnt when the work is done. */
    Nines = 22,
    Data = 24,
    Length = 1600,

    /** Of the answer: what a call gave, bytes of the frame made, ms until the next is due. */
    Result = 0,
    Frame = 4,
    Deadline = 8,
}

const enum Kind {
    Frame = 0,
    Turn = 1,
    Call = 2,
    /** Does nothing: to count what is around the work. */
    Nothing = 3,
}

interface Native {
    spiXfer(tx: ds.Buffer, rx: ds.Buffer): Promise<void>
}
const native = ds as unknown as Native

const options = boot as unknown as Options
const config = new Config()
configure(config, options.config)
const stack = new Stack(config, ds.Buffer.from(options.mac, "hex"))
setAddress(stack, options.ip, options.netmask, options.gateway)
stack.hashInput.blitAt(0, ds.Buffer.from(options.secret, "hex"), 0, 16)

const message = ds.Buffer.alloc(Message.Length)
const answer = ds.Buffer.alloc(Message.Length)
const scratch = ds.Buffer.alloc(1500)
// what the stack tells goes nowhere, as on a board: only frames and bytes read go to the host
const tell = sink.tell
sink.tell = undefined

/** Carries out the call that stands in `message`. */
function call(now: number): number {
    const a = message.getAt(Message.A, "i32")
    const b = message.getAt(Message.B, "i32")
    const c = message.getAt(Message.C, "i32")
    switch (message.getAt(Message.Code, "u8")) {
        case 1:
            return listen(stack, a, b)
        case 2:
            return accept(stack, a)
        case 3:
            return connect(stack, a, b, c, now)
        case 4:
            scratch.blitAt(0, message, Message.Data, message.getAt(Message.Size, "u16"))
            return write(stack, a, scratch, c, b)
        case 5:
            return read(stack, a, scratch, c, b)
        case 6:
            return shutdown(stack, a, now)
        case 7:
            return close(stack, a, now)
        case 8:
            return abort(stack, a, now)
        case 9:
            return setReceiveLimit(stack, a, b)
        case 10:
            return setNoDelay(stack, a, b !== 0)
        case 11:
            return setKeepAlive(stack, a, b !== 0, now)
        case 12:
            return setUserTimeout(stack, a, b)
        default:
            stack.config.iss = message.getAt(Message.A, "u32")
            return 0
    }
}

for (;;) {
    await native.spiXfer(answer, message)
    const now = message.getAt(Message.Now, "i32")
    const kind = message.getAt(Message.Kind, "u8")
    let result = 0
    if (kind === Kind.Frame) {
        stack.rx.blitAt(0, message, Message.Data, message.getAt(Message.Size, "u16"))
        receive(stack, message.getAt(Message.A, "i32"), now)
    } else if (kind === Kind.Call) {
        result = call(now)
    }
    const length = kind === Kind.Nothing || message.getAt(Message.More, "u8") ? 0 : transmit(stack, now)
    answer.setAt(Message.Result, "i32", result)
    answer.setAt(Message.Frame, "i32", length)
    answer.setAt(Message.Deadline, "i32", deadline(stack, now))
    let nines = message.getAt(Message.Nines, "u16")
    while (nines > 0) nines--
    // what the host is to see does not count
    await ds.sleep(1)
    if (length > 0 && tell) tell(stack.tx)
    if (kind === Kind.Call && result > 0 && message.getAt(Message.Code, "u8") === 5 && tell) tell(scratch)
}
