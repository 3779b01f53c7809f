// Scenarios over the other MACs: the same connections behind an ENC28J60 and over Wi-Fi, frame by frame the same on both runtimes.
// All scenarios happen on the W5500. These are the ones in which connections open, carry data over bad lines, close and are refused; the
// others do too with DEVICESCRIPT_TCP_BOARD=pico_enc28j60 before the command, but for faults.test.ts, whose faults are the W5500's.

import { onBoards } from "./scenario"

onBoards(["pico_enc28j60", "pico_esp_hosted"])
await import("./opening.test")
await import("./closing.test")
await import("./lines.test")
await import("./serving.test")
