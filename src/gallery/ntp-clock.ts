// A clock that a time server sets (SNTP, RFC 4330): prints date and time, UTC, once a second. Needs a time server at SERVER: an address, or a
// name if the network has a resolver (`resolver: dns()`). In the simulator, with a time server on your computer:
// npm start -- --program src/gallery/ntp-clock.ts --link user

import * as ds from "@devicescript/core"
import { board } from "../board"
import { type NetError, type NetworkTime, networkTime, startNetwork } from "../index"
import { networkSettings } from "../socket/network-settings"

const SERVER = "10.0.0.1"

await startNetwork({ mac: board, ...(await networkSettings()) })

/** Asks the server until it answers; it is asked again once an hour from then on. */
async function synchronized(): Promise<NetworkTime> {
    for (;;) {
        try {
            return await networkTime(SERVER)
        } catch (error) {
            console.error((error as Error).message)
            // a server that refuses must be left alone
            await ds.sleep((error as NetError).code === "EACCES" ? 3600000 : 10000)
        }
    }
}

/** Returns "2026-11-29 14:09:07" for seconds since 1970. */
function dateText(seconds: number): string {
    const ofDay = seconds % 86400
    // days since 1 March of the year 0, so that a leap day is the last day of its year
    const days = (seconds - ofDay) / 86400 + 719468
    const era = Math.idiv(days, 146097)
    const day = days % 146097
    const year = Math.idiv(day - Math.idiv(day, 1460) + Math.idiv(day, 36524) - Math.idiv(day, 146096), 365)
    const ofYear = day - (365 * year + Math.idiv(year, 4) - Math.idiv(year, 100))
    // months from March on have 31, 30, 31, 30, 31 days, and so on: 153 days in five
    const month = Math.idiv(5 * ofYear + 2, 153)
    const date = ofYear - Math.idiv(153 * month + 2, 5) + 1
    const calendar = month < 10 ? month + 3 : month - 9
    const y = year + era * 400 + (calendar < 3 ? 1 : 0)
    return `${y}-${two(calendar)}-${two(date)} ${two(Math.idiv(ofDay, 3600))}:${two(Math.idiv(ofDay, 60) % 60)}:${two(ofDay % 60)}`
}

function two(n: number): string {
    return n < 10 ? `0${n}` : `${n}`
}

const clock = await synchronized()
for (let shown = 0; ; ) {
    const now = clock.time(ds.millis() | 0)
    const second = Math.floor(now / 1000)
    // a sleep may end a little early
    if (second !== shown) console.log(dateText(second))
    shown = second
    await ds.sleep(1000 - (now % 1000))
}
