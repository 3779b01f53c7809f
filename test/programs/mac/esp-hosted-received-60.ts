import { receivedBy } from "./frames"

await receivedBy("esp-hosted", 60)
