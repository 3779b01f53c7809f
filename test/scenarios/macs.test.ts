// Scenarios over the other MACs: the same connections, frame by frame the same on both runtimes, behind an ENC28J60 and over Wi-Fi.
// All scenarios happen on the W5500; these are the ones in which a connection opens, carries data, closes and is refused.

import { onBoards } from "./scenario"

onBoards(["pico_enc28j60", "pico_esp_hosted"])
await import("./opening.test")
await import("./closing.test")
await import("./serving.test")
