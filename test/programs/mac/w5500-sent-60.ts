import { sentBy } from "./frames"

await sentBy("w5500", 60)
