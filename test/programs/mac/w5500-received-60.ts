import { receivedBy } from "./frames"

await receivedBy("w5500", 60)
