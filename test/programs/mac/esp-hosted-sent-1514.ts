import { sentBy } from "./frames"

await sentBy("esp-hosted", 1514)
