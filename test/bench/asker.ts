// A host that asks for another's Ethernet address, over and over: every host answers that, and at once.

import type { Link, Port } from "../../sim/link/port"
import { arp, broadcastMac, ethernet } from "../support/frames"

const OWN = { ip: "10.0.0.77", mac: "02:00:0a:00:00:4d" }
/** Milliseconds until missing answers are taken for lost. */
const PATIENCE = 5000

export class Asker {
    private readonly port: Port
    private readonly question: Uint8Array
    private missing = 0
    private done: () => void = () => {}

    /** Asks the host at this address. */
    constructor(link: Link, ip: string) {
        const nobody = "00:00:00:00:00:00"
        const fields = { operation: 1, senderMac: OWN.mac, senderIp: OWN.ip, targetMac: nobody, targetIp: ip }
        const padding = new Array(18).fill(0)
        this.question = ethernet(broadcastMac, OWN.mac, 0x0806, [...arp(fields), ...padding])
        this.port = link.attach({ name: "asker", receive: frame => this.receive(frame) })
    }

    /** Has so many questions on their way at once; back when all are answered. */
    async ask(count: number): Promise<void> {
        await new Promise<void>((resolve, reject) => {
            const timer = setTimeout(() => {
                reject(new Error(`${this.missing} of ${count} questions went without an answer`))
            }, PATIENCE)
            this.missing = count
            this.done = () => {
                clearTimeout(timer)
                resolve()
            }
            for (let i = 0; i < count; i++) this.port.send(this.question)
        })
    }

    private receive(frame: Uint8Array): void {
        const isReply =
            frame[0] === 2 && frame[5] === 0x4d && frame[12] === 8 && frame[13] === 6 && frame[21] === 2
        if (isReply && --this.missing === 0) this.done()
    }
}
