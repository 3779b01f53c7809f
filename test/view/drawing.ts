import { dissect } from "../../sim/view/dissect"
import { Ladder, type LadderOptions, type Passage } from "../../sim/view/ladder"
import { arp, mss, type TcpFields, tcp } from "./packets"

/** A ladder between Host X and a server, what it has drawn, and short ways to draw. */
export class Drawing {
    text = ""
    readonly ladder: Ladder

    constructor(options: Partial<LadderOptions> = {}) {
        this.ladder = new Ladder({
            write: text => {
                this.text += text
            },
            width: 80,
            color: false,
            unicode: true,
            left: { name: "Host X", ip: "10.0.0.2" },
            right: { name: "Server", ip: "10.0.0.1" },
            ...options,
        })
    }

    /** A segment of Host X, a millisecond on its way. */
    x(time: number, fields: TcpFields, passage: Partial<Passage> = {}): void {
        this.ladder.segment(dissect(tcp(fields)), { time, arrives: time + 1, ...passage })
    }

    /** One of the server. */
    s(time: number, fields: TcpFields, passage: Partial<Passage> = {}): void {
        const addresses = {
            source: "10.0.0.1",
            destination: "10.0.0.2",
            sourcePort: 7,
            destinationPort: 49152,
        }
        this.ladder.segment(dissect(tcp({ window: 8192, ...addresses, ...fields })), {
            time,
            arrives: time + 1,
            ...passage,
        })
    }

    /** The lines below the header, all that is held included. */
    get lines(): string[] {
        this.ladder.flush()
        return this.text.split("\n").slice(4, -1)
    }
}

export function drawExample(drawing: Drawing): void {
    const { ladder } = drawing
    ladder.state("left", "CLOSED", "SYN-SENT", 0)
    ladder.segment(dissect(arp(1, "10.0.0.2", "10.0.0.1")), { time: 0 })
    ladder.segment(dissect(arp(2, "10.0.0.1", "10.0.0.2")), { time: 1 })
    drawing.x(2, { seq: 4321, flags: "S", options: mss(1460) })
    ladder.state("right", "LISTEN", "SYN-RECEIVED", 3)
    drawing.s(3.25, { seq: 8800, ack: 4322, flags: "SA", options: mss(1460) })
    ladder.state("left", "SYN-SENT", "ESTABLISHED", 4.25)
    drawing.x(4.5, { seq: 4322, ack: 8801 })
    ladder.state("right", "SYN-RECEIVED", "ESTABLISHED", 5.5)
    drawing.x(10, { seq: 4322, ack: 8801, flags: "PA", payload: "hello\n" }, { lost: "loss" })
    drawing.x(1010, { seq: 4322, ack: 8801, flags: "PA", payload: "hello\n" })
    drawing.s(1012, { seq: 8801, ack: 4328, flags: "PA", payload: "hello\n" })
    drawing.x(1014, { seq: 4328, ack: 8807 })
    ladder.state("left", "ESTABLISHED", "FIN-WAIT-1", 2000)
    drawing.x(2000, { seq: 4328, ack: 8807, flags: "FA" })
    ladder.state("right", "ESTABLISHED", "CLOSE-WAIT", 2001)
    drawing.s(2001, { seq: 8807, ack: 4329 })
    ladder.state("left", "FIN-WAIT-1", "FIN-WAIT-2", 2002)
    drawing.s(2003, { seq: 8807, ack: 4329, flags: "FA" })
    ladder.state("right", "CLOSE-WAIT", "LAST-ACK", 2003)
    ladder.state("left", "FIN-WAIT-2", "TIME-WAIT", 2004)
    drawing.x(2004, { seq: 4329, ack: 8808 })
    ladder.state("right", "LAST-ACK", "CLOSED", 2005)
    ladder.note("TIME-WAIT lasts 60 s")
    ladder.state("left", "TIME-WAIT", "CLOSED", 62_004)
    ladder.flush()
}

export const example = `\
                ╭───────────╮                               ╭───────────╮
                │  Host X   │                               │  Server   │
                │ 10.0.0.2  │                               │ 10.0.0.1  │
  time s        ╰─────┬─────╯                               ╰─────┬─────╯
  0.0000              │── ARP who has 10.0.0.1? ─────────────────►│
  0.0010              │◄─ ARP 10.0.0.1 at 02:00:0a:00:00:01 ──────│
                      │ port 49152                         port 7 │
  0.0020     SYN-SENT │   SYN     seq 4321                        │ LISTEN
                      │── len 0    win 2048  mss 1460 ───────────►│ SYN-RECEIVED
  0.0032              │   SYN-ACK seq 8800       ack 4322         │
          ESTABLISHED │◄─ len 0    win 8192  mss 1460 ────────────│
  0.0045              │   ACK     seq 4322       ack 8801         │
                      │── len 0    win 2048 ─────────────────────►│ ESTABLISHED
  0.0100              │   PSH-ACK seq 4322       ack 8801         │
                      │── len 6    win 2048  "hello\\n" ─✗         │ lost
  1.0100              │   PSH-ACK seq 4322       ack 8801         │
                      │── len 6    win 2048  retransmission ─────►│
  1.0120              │   PSH-ACK seq 8801       ack 4328         │
                      │◄─ len 6    win 8192  "hello\\n" ───────────│
  1.0140              │   ACK     seq 4328       ack 8807         │
                      │── len 0    win 2048 ─────────────────────►│
  2.0000   FIN-WAIT-1 │   FIN-ACK seq 4328       ack 8807         │
                      │── len 0    win 2048 ─────────────────────►│ CLOSE-WAIT
  2.0010              │   ACK     seq 8807       ack 4329         │
           FIN-WAIT-2 │◄─ len 0    win 8192 ──────────────────────│
  2.0030              │   FIN-ACK seq 8807       ack 4329         │ LAST-ACK
            TIME-WAIT │◄─ len 0    win 8192 ──────────────────────│
  2.0040              │   ACK     seq 4329       ack 8808         │
                      │── len 0    win 2048 ─────────────────────►│ CLOSED
                      │  TIME-WAIT lasts 60 s                     │
 62.0040       CLOSED │                                           │
`

export const exampleInAscii = `\
                +-----------+                               +-----------+
                |  Host X   |                               |  Server   |
                | 10.0.0.2  |                               | 10.0.0.1  |
  time s        +-----+-----+                               +-----+-----+
  0.0000              |-- ARP who has 10.0.0.1? ----------------->|
  0.0010              |<- ARP 10.0.0.1 at 02:00:0a:00:00:01 ------|
                      | port 49152                         port 7 |
  0.0020     SYN-SENT |   SYN     seq 4321                        | LISTEN
                      |-- len 0    win 2048  mss 1460 ----------->| SYN-RECEIVED
  0.0032              |   SYN-ACK seq 8800       ack 4322         |
          ESTABLISHED |<- len 0    win 8192  mss 1460 ------------|
  0.0045              |   ACK     seq 4322       ack 8801         |
                      |-- len 0    win 2048 --------------------->| ESTABLISHED
  0.0100              |   PSH-ACK seq 4322       ack 8801         |
                      |-- len 6    win 2048  "hello\\n" -X         | lost
  1.0100              |   PSH-ACK seq 4322       ack 8801         |
                      |-- len 6    win 2048  retransmission ----->|
  1.0120              |   PSH-ACK seq 8801       ack 4328         |
                      |<- len 6    win 8192  "hello\\n" -----------|
  1.0140              |   ACK     seq 4328       ack 8807         |
                      |-- len 0    win 2048 --------------------->|
  2.0000   FIN-WAIT-1 |   FIN-ACK seq 4328       ack 8807         |
                      |-- len 0    win 2048 --------------------->| CLOSE-WAIT
  2.0010              |   ACK     seq 8807       ack 4329         |
           FIN-WAIT-2 |<- len 0    win 8192 ----------------------|
  2.0030              |   FIN-ACK seq 8807       ack 4329         | LAST-ACK
            TIME-WAIT |<- len 0    win 8192 ----------------------|
  2.0040              |   ACK     seq 4329       ack 8808         |
                      |-- len 0    win 2048 --------------------->| CLOSED
                      |  TIME-WAIT lasts 60 s                     |
 62.0040       CLOSED |                                           |
`

export const ESC = String.fromCharCode(27)
export const sequence = new RegExp(`${ESC}\\[(\\d+)m`, "g")
export const withoutColor = (text: string) => text.replace(sequence, "")
