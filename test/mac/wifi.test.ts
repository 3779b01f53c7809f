import { describe, expect, test } from "vitest"
import { MacCounter } from "../../src/mac/mac"
import { Bench, BSSID, connected, frame, Id, Kind, pb, program, SET_UP, works } from "./esp-hosted-bench"

describe("an access point that refuses the station", () => {
    test.each([
        [
            "the password, by WPA2",
            15,
            "EACCES",
            'EACCES, the access point of "home" refuses the password: look at it',
        ],
        [
            "the password, by WPA2",
            204,
            "EACCES",
            'EACCES, the access point of "home" refuses the password: look at it',
        ],
        [
            "the password, by WPA3",
            202,
            "EACCES",
            'EACCES, the access point of "home" refuses the password: look at it',
        ],
        [
            "as it is not there",
            201,
            "ENONET",
            'ENONET, there is no network "home" here: look at its name, and that it is in this band',
        ],
        [
            "as it has no password",
            211,
            "ENONET",
            'ENONET, the network "home" has no WPA2 or WPA3 with a password',
        ],
        [
            "as it has other ciphers",
            210,
            "ENONET",
            'ENONET, the network "home" has no WPA2 or WPA3 with a password',
        ],
        ["as it is too far away", 212, "ENONET", 'ENONET, the signal of "home" is too weak'],
        [
            "for another reason",
            5,
            "ENOLINK",
            'ENOLINK, the access point of "home" has ended the connection (reason 5)',
        ],
    ])(
        "refused: %s (reason %i): %s, the message is reported once, and attempts go on",
        async (_, reason, _code, problem) => {
            const bench = new Bench()
            bench.chip.refuses = reason
            // the co-processor is well, so the driver starts
            await bench.mac.start()
            await bench.until(() => bench.mac.problem !== "")
            expect(bench.mac.problem).toBe(problem)
            expect(bench.mac.noLink).toBe(`no link: ${problem}`)
            expect(bench.mac.reason).toBe(reason)
            expect(bench.mac.linkUp).toBe(false)
            await bench.run(60_000)
            // reported once, tried again and again
            expect(bench.told).toEqual([problem])
            expect(bench.warnings).toEqual([`Wi-Fi: ${problem}`])
            expect(bench.chip.resets).toBe(1)
            bench.chip.refuses = 0
            await bench.until(() => bench.mac.linkUp, 31_000)
            expect(bench.told).toEqual([problem, "up"])
            expect(bench.mac.problem).toBe("")
            await works(bench)
        }
    )

    test.each([
        [201, 1500],
        [15, 30_000],
    ])("reason %i: the time between attempts doubles from 250 ms up to %i ms", async (reason, longest) => {
        const bench = new Bench()
        const attempts: number[] = []
        bench.chip.answers.set(Id.Connect, () => {
            attempts.push(bench.clock.now())
            return []
        })
        bench.chip.refuses = reason
        await bench.mac.start()
        await bench.run(200_000)
        const gaps = attempts.slice(1).map((at, i) => Math.round((at - attempts[i]!) / 50) * 50)
        expect(gaps.slice(0, 4)).toEqual([250, 500, 1000, Math.min(2000, longest)])
        expect(gaps.at(-1)).toBe(longest)
    })

    test.each([15, 202, 204])(
        "reason %i after a connection whose password was right: the next attempt comes 0.25 s after each",
        async reason => {
            const bench = await connected()
            bench.chip.refuses = reason
            bench.chip.leave(3)
            await bench.run(60_000)
            expect(bench.mac.problem).toContain("EACCES")
            bench.chip.refuses = 0
            expect(await bench.until(() => bench.mac.linkUp)).toBeLessThan(400)
            await works(bench)
        }
    )

    test("a co-processor that reports nothing of the network: ETIMEDOUT, and the driver joins later", async () => {
        const bench = new Bench()
        bench.chip.joinTime = 1e9
        await bench.mac.start()
        expect(bench.mac.noLink).toBe("no link yet: the Wi-Fi station is joining its network")
        await bench.run(16_000)
        expect(bench.mac.problem).toBe('ETIMEDOUT, the co-processor says nothing of "home"')
        bench.chip.joinTime = 10
        await bench.until(() => bench.mac.linkUp, 16_000)
    })
})

describe("a Wi-Fi connection that ends", () => {
    test.each([
        [3, 'ENOLINK, the access point of "home" has ended the connection (reason 3)'],
        // it was connected, so the password is right: its keys were not renewed in time
        [15, 'ENOLINK, the access point of "home" has ended the connection (reason 15)'],
        [200, 'ENOLINK, the access point of "home" is gone: is it on, and near enough?'],
    ])("reason %i: the end is reported, and the network joined again at once", async (reason, problem) => {
        const bench = await connected()
        bench.chip.leave(reason)
        await bench.until(() => !bench.mac.linkUp, 50)
        expect(bench.mac.problem).toBe(problem)
        await bench.until(() => bench.mac.linkUp, 100)
        expect(bench.told).toEqual(["up", problem, "up"])
        expect(bench.trouble).toEqual({ repair: 1 })
        expect(bench.chip.asked.filter(id => id !== Id.Rssi)).toEqual([Id.Connect])
        await works(bench)
    })

    test("an access point that is off for a minute is joined within 5 s", async () => {
        const bench = await connected()
        bench.chip.refuses = 201
        bench.chip.leave(200)
        await bench.run(60_000)
        bench.chip.refuses = 0
        expect(await bench.until(() => bench.mac.linkUp)).toBeLessThan(5000)
        await works(bench)
    })

    test("a disconnection whose event is lost is seen within 1.1 s", async () => {
        const bench = await connected()
        bench.chip.connected = false
        expect(await bench.until(() => !bench.mac.linkUp)).toBeLessThan(1100)
        await bench.until(() => bench.mac.linkUp)
        await works(bench)
    })

    test("roaming to another access point of the network is not reported as an end", async () => {
        const bench = await connected()
        bench.chip.leave(207)
        await bench.run(300)
        expect(bench.mac.linkUp).toBe(true)
        bench.chip.join([0x0a, 9, 9, 9, 9, 9])
        await bench.run(20)
        expect([...bench.mac.bssid]).toEqual([0x0a, 9, 9, 9, 9, 9])
        expect(bench.told).toEqual(["up"])
        expect(bench.trouble).toEqual({})
        await works(bench)
        // or without an event of leaving
        bench.chip.join(BSSID)
        await bench.run(20)
        expect([...bench.mac.bssid]).toEqual(BSSID)
        expect(bench.told).toEqual(["up"])
    })

    test("roaming that does not arrive is seen within 2.1 s, and the network joined again", async () => {
        const bench = await connected()
        bench.chip.leave(207)
        expect(await bench.until(() => !bench.mac.linkUp)).toBeLessThan(2100)
        await bench.until(() => bench.mac.linkUp)
        await works(bench)
    })
})

describe("a Wi-Fi co-processor", () => {
    test.each([0, 1, 7, 13])(
        "a co-processor that starts anew, %i transactions on, is set up again, and ERESTART reported",
        async transactions => {
            const bench = await connected()
            const upTo = bench.chip.transactions + transactions
            for (let n = 0; bench.chip.transactions < upTo; n++) {
                await bench.send(frame(60, n))
                await bench.run(2)
            }
            bench.chip.reboot()
            expect(await bench.until(() => bench.mac.problem !== "")).toBeLessThan(1500)
            expect(bench.mac.linkUp).toBe(false)
            await bench.until(() => bench.mac.linkUp, 2000)
            expect(bench.chip.resets).toBe(1)
            expect(bench.counter(MacCounter.ChipReset)).toBe(1)
            expect(bench.told).toEqual([
                "up",
                "ERESTART, the co-processor has started anew: look at its power",
                "up",
            ])
            await works(bench)
        }
    )

    test("a co-processor that starts anew during its set-up is set up again", async () => {
        const bench = new Bench()
        let left = 3
        bench.chip.answers.set(Id.SetConfig, () => {
            if (left-- > 0) bench.chip.reboot()
            return []
        })
        await bench.mac.start()
        await bench.until(() => bench.mac.linkUp)
        await works(bench)
    })

    test.each(["the handshake line stays low", "it answers nothing", "it sends nothing"])(
        "a co-processor that hangs (%s) is reset within 2.5 s and works within 4 s",
        async how => {
            const bench = await connected()
            if (how.startsWith("the")) bench.chip.stuck = true
            else if (how.startsWith("it answers")) bench.chip.mute = true
            else
                bench.chip.disturb = bytes => {
                    bytes.fill(0)
                    bytes[0] = 0xf8
                }
            const { reset } = bench.chip
            bench.chip.reset = level => {
                if (level === 1) {
                    bench.chip.stuck = bench.chip.mute = false
                    bench.chip.disturb = undefined
                }
                reset.call(bench.chip, level)
            }
            const lost = await bench.until(() => !bench.mac.linkUp)
            expect(lost).toBeLessThan(2500)
            const back = await bench.until(() => bench.mac.linkUp)
            expect(lost + back).toBeLessThan(4000)
            expect(bench.chip.resets).toBe(2)
            expect(bench.told[1]).toContain("ENODEV, the co-processor does not answer")
            await works(bench)
        }
    )

    test("a co-processor with a damaged first message is reset until it is right", async () => {
        const bench = new Bench()
        let damaged = 0
        bench.chip.disturb = bytes => {
            if (bytes[0] === Kind.Private && damaged++ < 2) bytes[15]! ^= 0x40
        }
        await expect(bench.mac.start()).rejects.toThrow(
            "ENODEV, what the co-processor sends arrives damaged: shorten the wires, or lower hz"
        )
        // it is sent once after a reset: there is nothing to wait for
        expect(await bench.until(() => bench.mac.linkUp)).toBeLessThan(5000)
        expect([damaged, bench.chip.resets]).toEqual([3, 3])
        await works(bench)
    })

    test("a co-processor whose first message after a reset is damaged is reset at once", async () => {
        const bench = new Bench()
        let damaged = 0
        bench.chip.disturb = bytes => {
            if (bytes[0] === Kind.Private && damaged++ === 0) bytes[15]! ^= 0x40
        }
        await expect(bench.mac.start()).rejects.toThrow("arrives damaged")
        await bench.until(() => bench.mac.linkUp)
        // two boots of 700 ms, and the association
        expect(bench.clock.now()).toBeLessThan(1600)
        // start() has thrown it
        expect(bench.warnings).toEqual([])
        await works(bench)
    })

    test("a co-processor that starts anew with a damaged first message refuses to join, and is set up again", async () => {
        const bench = await connected()
        const { chip } = bench
        let damaged = 0
        chip.disturb = bytes => {
            if (bytes[0] === Kind.Private && damaged++ === 0) bytes[15]! ^= 0x40
        }
        // ESP_ERR_WIFI_NOT_STARTED until the next set-up
        chip.answers.set(Id.Connect, () => pb(1, 0x3002))
        chip.answers.set(Id.Start, () => {
            chip.answers.clear()
            return []
        })
        chip.reboot()
        await bench.until(() => !bench.mac.linkUp, 2500)
        await bench.until(() => bench.mac.linkUp, 2500)
        expect(bench.told.slice(1)).toEqual([
            'ENOLINK, the connection to "home" has ended without a report',
            "EPROTO, the co-processor refuses request 282 (12290): it is reset",
            "up",
        ])
        expect(chip.resets).toBe(2)
        await works(bench)
    })

    test("a join whose report is lost is asked about again within 2 s", async () => {
        const bench = new Bench()
        let asked = 0
        bench.chip.answers.set(Id.Connect, () => {
            bench.chip.connected = true
            if (++asked > 1) bench.chip.join()
            return []
        })
        await bench.mac.start()
        expect(await bench.until(() => bench.mac.linkUp)).toBeLessThan(2000)
        expect([asked, bench.chip.resets]).toEqual([2, 1])
        expect(bench.mac.channel).toBe(6)
        expect(bench.told).toEqual(["up"])
        await works(bench)
    })

    test("credentials that are not valid are reported once, nothing is sent, and valid ones are taken later", async () => {
        const network = { ssid: "home", password: "7 bytes" }
        const bench = new Bench({ credentials: async () => network })
        const problem = 'EINVAL, the password must be 8 to 63 bytes, or ""'
        await expect(bench.mac.start()).rejects.toThrow(`ESP-Hosted: ${problem}`)
        await bench.run(20_000)
        expect(bench.told).toEqual([problem])
        expect(bench.warnings).toEqual([])
        expect([bench.chip.resets, bench.chip.asked.length]).toEqual([0, 0])
        network.password = "8 bytes."
        await bench.mac.start()
        await bench.until(() => bench.mac.linkUp, 5000)
        expect(bench.told).toEqual([problem, "up"])
        await works(bench)
    })

    test("a problem of a start that failed is printed by its caller alone, and a new one once", async () => {
        const bench = new Bench()
        bench.chip.bootTime = 1e9
        await expect(bench.mac.start()).rejects.toThrow("handshake line stays low")
        await bench.run(20_000)
        expect(bench.warnings).toEqual([])
        bench.chip.bootTime = 700
        bench.chip.firmware = [2, 11, 0]
        await bench.run(20_000)
        expect(bench.warnings).toEqual([expect.stringContaining("EPROTONOSUPPORT")])
        bench.chip.firmware = [2, 12, 12]
        // a start that has failed has set up the driver: it goes on by itself
        await bench.until(() => bench.mac.linkUp, 6000)
        const { resets } = bench.chip
        await bench.mac.start()
        expect(bench.chip.resets).toBe(resets)
        await works(bench)
    })

    test("a co-processor whose lines jitter while it boots is reset once", async () => {
        const bench = new Bench()
        bench.chip.bootTime = 1400
        bench.clock.at(600, () => {
            bench.chip.handshake = bench.chip.ready = 1
        })
        await bench.mac.start()
        await bench.until(() => bench.mac.linkUp)
        expect(bench.chip.resets).toBe(1)
        expect(bench.trouble).toEqual({ badLength: 1 })
        await works(bench)
    })

    test("a co-processor that is gone for a minute is reset again and again, reported a few times, and works later", async () => {
        const bench = await connected()
        bench.chip.stuck = true
        await bench.run(60_000)
        expect(bench.mac.linkUp).toBe(false)
        expect(bench.mac.problem).toContain("handshake line stays low")
        expect(bench.chip.resets).toBeGreaterThan(10)
        // reported once a cause, not at each attempt
        expect(bench.told.length).toBeLessThan(4)
        bench.chip.stuck = false
        await bench.until(() => bench.mac.linkUp)
        await works(bench)
    })

    test("a co-processor that refuses a request: EPROTO, and the driver joins later", async () => {
        const bench = new Bench()
        bench.chip.answers.set(Id.Start, () => pb(1, 0x3001))
        await expect(bench.mac.start()).rejects.toThrow(
            "EPROTO, the co-processor refuses request 280 (12289): it is reset"
        )
        bench.chip.answers.clear()
        await bench.until(() => bench.mac.linkUp)
        await works(bench)
    })

    test("a co-processor that does not know a request: EPROTO", async () => {
        const bench = new Bench()
        bench.chip.answers.set(Id.SetStorage, ({ uid }) => {
            bench.chip.say("RPCRsp", [...pb(1, 2), ...pb(2, 512), ...pb(3, uid)])
            return undefined
        })
        await expect(bench.mac.start()).rejects.toThrow("EPROTO, the co-processor refuses request 313 (-1)")
    })

    test("a co-processor that takes 300 ms to respond: the driver joins", async () => {
        const bench = new Bench()
        bench.chip.answerTime = 300
        await bench.mac.start()
        await bench.until(() => bench.mac.linkUp)
        await bench.run(10_000)
        expect(bench.mac.rssi).toBe(-55)
        expect(bench.trouble).toEqual({})
    })

    test("a co-processor that joins before its response to the request: the driver joins", async () => {
        const bench = new Bench()
        bench.chip.answers.set(Id.Connect, () => {
            bench.chip.join()
            return []
        })
        await bench.mac.start()
        await bench.until(() => bench.mac.linkUp)
        await bench.run(3000)
        expect(bench.trouble).toEqual({})
    })

    test("requests and responses that are lost are repeated without a reset", async () => {
        const bench = new Bench()
        const seen = new Map<number, number>()
        for (const id of SET_UP)
            bench.chip.answers.set(id, () => {
                seen.set(id, (seen.get(id) ?? 0) + 1)
                return seen.get(id) === 2 ? [] : undefined
            })
        await bench.mac.start()
        await bench.until(() => bench.mac.linkUp, 5000)
        expect(bench.chip.resets).toBe(1)
        // the last one's outcome is enough
        expect([...seen.values()]).toEqual(SET_UP.map(id => (id === Id.Connect ? 1 : 2)))
    })
})

describe("a program and its Wi-Fi station", () => {
    test("station() returns the driver", async () => {
        const bench = await connected()
        expect(program.station()).toBe(bench.mac)
    })

    /** Runs a program's fiber beside the driver's. */
    async function beside<T>(bench: Bench, body: () => Promise<T>): Promise<T> {
        let done = false
        let value: T | undefined
        let problem: unknown
        body().then(
            it => {
                value = it
                done = true
            },
            error => {
                problem = error
                done = true
            }
        )
        await bench.until(() => done, 40_000)
        if (problem !== undefined) throw problem
        return value as T
    }

    const record = (ssid: string, rssi: number, channel: number, security: number) => {
        const name = [...new TextEncoder().encode(ssid)]
        const fields = [...pb(1, BSSID), ...pb(2, name.length < 32 ? [...name, 0] : name), ...pb(3, channel)]
        fields.push(...pb(5, rssi), ...pb(6, security), ...pb(7, 4), ...pb(11, pb(1, [0x44, 0x45, 0])))
        return pb(2, fields)
    }

    function scanning(bench: Bench, records: number[][]): void {
        bench.chip.answers.set(Id.ScanStart, () => {
            bench.clock.at(bench.clock.now() + 2000, () =>
                bench.chip.event(Id.ScanDone, pb(2, pb(2, records.length)))
            )
            return []
        })
        bench.chip.answers.set(Id.ApRecord, () => records.shift() ?? pb(1, -1))
    }

    const homes = () => [record("home", -40, 6, 7), record("", -70, 1, 3), record("x".repeat(32), -80, 13, 0)]

    test.each(["connected", "without a network"])(
        "scan() %s returns three records, and the network is joined",
        async how => {
            const bench = how === "connected" ? await connected() : new Bench()
            if (how !== "connected") {
                bench.chip.refuses = 201
                await bench.mac.start()
                await bench.run(1000)
            }
            scanning(bench, homes())
            const found = await beside(bench, () => program.scan(bench.mac))
            expect(found.map(({ bssid, ...it }) => ({ ...it, bssid: [...bssid] }))).toEqual([
                { ssid: "home", rssi: -40, channel: 6, security: 7, bssid: BSSID },
                { ssid: "", rssi: -70, channel: 1, security: 3, bssid: BSSID },
                { ssid: "x".repeat(32), rssi: -80, channel: 13, security: 0, bssid: BSSID },
            ])
            bench.chip.refuses = 0
            await bench.until(() => bench.mac.linkUp)
            await bench.run(2000)
            expect(bench.mac.rssi).toBe(-55)
            await works(bench)
        }
    )

    test("scan() while the station joins throws EBUSY", async () => {
        const bench = await connected()
        bench.chip.answers.set(Id.ScanStart, () => pb(1, 0x3006))
        await expect(beside(bench, () => program.scan(bench.mac))).rejects.toThrow(
            "EBUSY, the station does not scan now (12294)"
        )
    })

    test("scan() with a co-processor that hangs throws ETIMEDOUT, and works later", async () => {
        const bench = await connected()
        bench.chip.mute = true
        await expect(beside(bench, () => program.scan(bench.mac))).rejects.toThrow(
            "ETIMEDOUT, the co-processor does not answer"
        )
        bench.chip.mute = false
        await bench.until(() => bench.mac.linkUp)
        scanning(bench, homes())
        expect((await beside(bench, () => program.scan(bench.mac))).length).toBe(3)
    })

    test("scan() that does not end throws ETIMEDOUT", async () => {
        const bench = await connected()
        bench.chip.answers.set(Id.ScanStart, () => [])
        await expect(beside(bench, () => program.scan(bench.mac))).rejects.toThrow(
            "ETIMEDOUT, the scan does not end"
        )
        await works(bench)
    })

    test("scan() skips records that are not valid", async () => {
        const bench = await connected()
        scanning(bench, [record("home", -40, 6, 7), pb(2, [0x0b]), [0x12], pb(2, pb(1, [1])), []])
        const found = await beside(bench, () => program.scan(bench.mac))
        expect(found[0]?.ssid).toBe("home")
        expect(found.length).toBeLessThan(5)
        await works(bench)
    })

    test("a response to an older request is not taken for that of the current one", async () => {
        const bench = await connected()
        bench.chip.say("RPCRsp", [
            ...pb(1, 2),
            ...pb(2, Id.Rssi + 256),
            ...pb(3, 1),
            ...pb(Id.Rssi + 256, pb(1, 0x300f)),
        ])
        bench.chip.push({ kind: Kind.Serial, payload: [1, 6, 0] })
        await bench.run(100)
        expect(bench.mac.linkUp).toBe(true)
    })
})
