// The status page in a browser, of a phone's size: it fits, and what changes leaves the user's selection alone.

import type { Browser, Page } from "playwright-core"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { addStatus } from "../../src/inspect/status"
import { connect } from "../../src/tcp/calls"
import { IdleMac } from "../device/console-bench"
import { HttpBench, responses } from "../http/bench"
import { launchChromium, skipNote, withoutChromium } from "../support/chromium"
import { ip } from "../support/host"

describe.skipIf(withoutChromium)(`the status page in Chromium${skipNote}`, () => {
    const bench = new HttpBench()
    const problems: string[] = []
    let browser: Browser
    let page: Page

    beforeAll(async () => {
        addStatus(bench.server, new IdleMac())
        browser = await launchChromium()
        page = await browser.newPage({ viewport: { width: 360, height: 740 } })
        page.setDefaultTimeout(20_000)
        page.on("pageerror", error => problems.push(error.message))
        // the browser's requests go to the device's HTTP server, without a network between them
        await page.route("**/*", async route => {
            const { pathname, search } = new URL(route.request().url())
            const client = bench.connect().send(`GET ${pathname}${search} HTTP/1.1\r\nHost: x\r\n\r\n`)
            const [response] = responses(client.text, [], false)
            client.close()
            bench.pass(100)
            const isPage = pathname === "/"
            await route.fulfill({
                status: response!.status,
                contentType: isPage ? "text/html" : "application/json",
                body: response!.body,
            })
        })
        // the test says when the script has its turn
        await page.addInitScript("window.setTimeout = () => 0")
        await page.goto("http://device.test/")
        await page.getByText("live").waitFor()
    })
    afterAll(() => browser?.close())

    const selected = () => page.evaluate<string>("String(document.getSelection())")

    test("fits the width, with its ladders' text in the size of the page's", async () => {
        expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(360)
        const letters = await page.evaluate<number>(
            "document.querySelector('figure svg text').getBoundingClientRect().height"
        )
        expect(letters).toBeGreaterThan(11)
    })

    test("says beside CLOSED why a connection failed", async () => {
        expect(connect(bench.device.stack, ip("10.0.0.1"), 9, 0, bench.wire.now)).toBeGreaterThan(0)
        bench.pass(200)
        await page.evaluate("turn()")
        await page.getByText("CLOSED: ECONNREFUSED").waitFor()
    })

    test("a selection in the table or in a ladder stays when others come and change", async () => {
        // each request is a connection of its own here, and the oldest ladder gives way to it
        const places = ["#t td:text-is('10.0.0.2:80')", "figure svg text >> nth=2", "figcaption >> nth=1"]
        for (const place of places) {
            await page.locator(place).first().selectText()
            const before = await selected()
            expect(before).not.toBe("")
            const ladders = await page.locator("#l").textContent()
            await page.evaluate("turn()")
            expect(await page.locator("#l").textContent()).not.toBe(ladders)
            expect(await selected()).toBe(before)
        }
    })

    test("there was no error", () => {
        expect(problems).toEqual([])
    })
})
