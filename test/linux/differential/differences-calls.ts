// Differences in what the program's calls lead to.

import type { Difference } from "./compare"
import { type DifferenceClass, inState } from "./facts"

/** What is said, without selective acknowledgments. */
const unsacked = (answers: string[]) => answers.join().replace(/,?sack[^,>]*/g, "")

const isCall = ({ action }: Difference, ...names: string[]) => "call" in action && names.includes(action.call)

export const callDifferences: DifferenceClass[] = [
    {
        name: "CLOSE in SYN-RECEIVED",
        linux: "FIN at once",
        ours: "the FIN waits until the SYN is acknowledged",
        verdict: "linux",
        why: 'RFC 9293 3.10.4: "If no SENDs have been issued and there is no pending data to send, then form a FIN segment and send it"',
        isAfterCall: d =>
            isCall(d, "close", "shutdown") &&
            d.state === "SYN-RECEIVED" &&
            d.kernel.look.state === "FIN-WAIT-1" &&
            d.ours.answers.length === 0,
    },
    {
        name: "SACK on text and FIN",
        linux: "text and FIN tell of gaps",
        ours: "ACKs alone do",
        verdict: "linux",
        passes: true,
        why: 'RFC 2018 4: "If sent at all, SACK options SHOULD be included in all ACKs which do not ACK the highest sequence number in the data receiver\'s queue"',
        isAfterCall: d =>
            d.kernel.answers.join().includes("sack") &&
            unsacked(d.kernel.answers) === unsacked(d.ours.answers) &&
            !d.ours.answers.join().includes("sack"),
    },
    {
        name: "reads after CLOSE in SYN-SENT",
        linux: "ECONNRESET",
        ours: "the end of the stream",
        verdict: "both",
        why: "RFC 9293 3.10.4: \"Delete the TCB and return 'error: closing'\" to what waits; of later calls it says no more",
        is: f =>
            inState(f, "CLOSED") &&
            f.linux === f.us &&
            f.kernel.reading?.status === "ECONNRESET" &&
            f.ours.reading?.status === "end",
    },
]
