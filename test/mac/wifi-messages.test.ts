// A Wi-Fi module that says things twice, in another order, with more or less in them; that restarts and is sent away again and again.

import { describe, expect, test } from "vitest"
import { Bench, connected, Id, pb, type Request, SET_UP, works } from "./esp-hosted-bench"

describe("a co-processor whose messages come in another way than they should", () => {
    /** Returns a response with the usual payload of a request. */
    const response = ({ id, uid }: Pick<Request, "id" | "uid">, payload: number[], more: number[] = []) => [
        ...pb(1, 2),
        ...pb(2, id + 256),
        ...pb(3, uid),
        ...pb(id + 256, payload),
        ...more,
    ]
    /** Unknown fields of each wire type that has a value: a varint, 8 bytes, a text of 300 bytes, 4 bytes. */
    const unknown = [
        ...pb(99, 12_345),
        ...[0xa1, 0x06, 1, 2, 3, 4, 5, 6, 7, 8],
        ...pb(101, Array<number>(300).fill(7)),
        ...[0xb5, 0x06, 1, 2, 3, 4],
    ]

    test.each<[string, (bench: Bench, request: Request) => number[] | undefined]>([
        [
            "each response twice",
            (bench, request) => {
                bench.chip.say("RPCRsp", response(request, []))
                return []
            },
        ],
        [
            "unknown fields in each response, and around it",
            (bench, request) => {
                bench.chip.say("RPCRsp", response(request, unknown, unknown))
                return undefined
            },
        ],
        [
            "the response of the request before, again, first",
            (bench, request) => {
                const uid = request.uid === 1 ? 0xffff : request.uid - 1
                bench.chip.say("RPCRsp", response({ id: request.id, uid }, pb(1, 0x3001)))
                return []
            },
        ],
        [
            "a refusal with another request's number, first",
            (bench, request) => {
                bench.chip.say("RPCRsp", response({ id: request.id, uid: request.uid + 7 }, pb(1, 0x3001)))
                return []
            },
        ],
        [
            "an old end of a connection before each response",
            (bench, request) => {
                if (request.id !== Id.Connect) bench.chip.leave(3)
                return []
            },
        ],
        [
            "an event of no use before each response",
            (bench, request) => {
                bench.chip.event(request.id % 2 ? 773 : 770, pb(2, 2))
                return []
            },
        ],
    ])("%s: the station is connected without a reset", async (_, answer) => {
        const bench = new Bench()
        for (const id of SET_UP) bench.chip.answers.set(id, request => answer(bench, request))
        await bench.mac.start()
        await bench.until(() => bench.mac.linkUp, 3000)
        await bench.run(3000)
        expect(bench.chip.resets).toBe(1)
        expect(bench.warnings).toEqual([])
        await works(bench)
    })

    test("responses that are cut short after any byte are asked for again", async () => {
        const whole = response({ id: Id.SetMode, uid: 1 }, pb(1, 0)).length
        for (let length = 0; length < whole; length++) {
            const bench = new Bench()
            let first = true
            bench.chip.answers.set(Id.SetMode, request => {
                if (!first) return []
                first = false
                bench.chip.say("RPCRsp", response(request, pb(1, 0)).slice(0, length))
                return undefined
            })
            await bench.mac.start()
            await bench.until(() => bench.mac.linkUp, 3000)
            expect(bench.chip.resets, `${length} bytes`).toBe(1)
        }
    })

    test("the report of a connection twice, then its end twice: one of each is emitted", async () => {
        const bench = await connected()
        bench.chip.join()
        await bench.run(20)
        bench.chip.leave(8)
        bench.chip.leave(8)
        await bench.until(() => bench.mac.linkUp && bench.told.length > 1, 2000)
        expect(bench.told).toEqual([
            "up",
            'ENOLINK, the access point of "home" has ended the connection (reason 8)',
            "up",
        ])
        await works(bench)
    })

    test.each([1, 20, 300])(
        "an access point that ends each connection after %i ms for 20 s: the station is back within 5 s",
        async ms => {
            const bench = await connected()
            const until = bench.clock.now() + 20_000
            const kick = () => {
                if (bench.clock.now() > until) return
                if (bench.chip.connected) bench.chip.leave(2)
                bench.clock.at(bench.clock.now() + ms, kick)
            }
            kick()
            await bench.run(20_100)
            await bench.until(() => bench.mac.linkUp, 5000)
            await bench.run(200)
            expect(bench.chip.resets).toBe(1)
            // a joining takes 10 ms here: no more than one in that time
            expect(bench.chip.requests.length).toBeLessThan(2500)
            await works(bench)
        }
    )

    test.each([50, 300, 900])(
        "a module that restarts every %i ms for 20 s: the station is back within 5 s",
        async ms => {
            const bench = await connected()
            const until = bench.clock.now() + 20_000
            const crash = () => {
                if (bench.clock.now() > until) return
                bench.chip.reboot()
                bench.clock.at(bench.clock.now() + ms, crash)
            }
            crash()
            // the driver sees the last one when the module has booted
            await bench.run(21_500)
            await bench.until(() => bench.mac.linkUp, 5000)
            await works(bench)
        }
    )

    test("an access point that comes back on another channel with another address: both are the new ones", async () => {
        const bench = await connected()
        bench.chip.refuses = 201
        bench.chip.leave(200)
        await bench.run(7000)
        bench.chip.refuses = 0
        bench.chip.answers.set(Id.Connect, () => {
            bench.chip.connected = true
            const ssid = [...new TextEncoder().encode("home")]
            bench.chip.event(
                Id.Connected,
                pb(2, [
                    ...pb(1, ssid),
                    ...pb(2, 4),
                    ...pb(3, [0x0a, 7, 7, 7, 7, 7]),
                    ...pb(4, 11),
                    ...pb(5, 3),
                ])
            )
            return []
        })
        await bench.until(() => bench.mac.linkUp, 5000)
        expect([bench.mac.channel, ...bench.mac.bssid]).toEqual([11, 0x0a, 7, 7, 7, 7, 7])
        bench.chip.answers.clear()
        await works(bench)
    })

    test("a password that is refused, then right: EACCES, and the station is back within 5 s", async () => {
        const bench = await connected()
        bench.chip.refuses = 15
        bench.chip.joinTime = 3600
        bench.chip.leave(2)
        await bench.run(30_000)
        expect(bench.mac.problem).toContain("EACCES")
        bench.chip.refuses = 0
        bench.chip.joinTime = 750
        expect(await bench.until(() => bench.mac.linkUp, 6000)).toBeLessThan(5000)
        await works(bench)
    })
})
