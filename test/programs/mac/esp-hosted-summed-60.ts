import { sentBy } from "./frames"

await sentBy("esp-hosted", 60, true)
