// The entry of `npm run ladder`.

import { main } from "./cli"

// the reader of our output has ended: nothing is left to do
process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1))

process.exitCode = await main(process.argv.slice(2))
