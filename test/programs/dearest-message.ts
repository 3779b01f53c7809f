// The clients of waiting-clients.ts on the VM, driven by test/fuzz/vm-program.ts: each message meets a new one. Then as many
// operations are burnt as the host says.

import "../../boards/host/pipe"
import * as ds from "@devicescript/core"
import { type Parser, WaitingClients } from "./waiting-clients"

/** The host's command, as in fuzz-frames.ts. */
const enum Message {
    Kind = 0,
    Code = 1,
    Now = 4,
    Size = 20,
    Nines = 22,
    Data = 24,
    Length = 1600,

    Result = 0,
}

interface Native {
    spiXfer(tx: ds.Buffer, rx: ds.Buffer): Promise<void>
}
const native = ds as unknown as Native

const clients = new WaitingClients()
const message = ds.Buffer.alloc(Message.Length)
const answer = ds.Buffer.alloc(Message.Length)

for (;;) {
    await native.spiXfer(answer, message)
    const now = message.getAt(Message.Now, "i32")
    const length = message.getAt(Message.Size, "u16")
    clients.prepare(message.getAt(Message.Code, "u8") as Parser, now)
    clients.stack.rx.blitAt(0, message, Message.Data, length)
    await ds.sleep(1)
    // a command of kind 3 is nothing: to count what is around the work
    const result = message.getAt(Message.Kind, "u8") === 3 ? 0 : clients.take(length, now)
    answer.setAt(Message.Result, "i32", result)
    let nines = message.getAt(Message.Nines, "u16")
    while (nines > 0) nines--
    await ds.sleep(1)
}
