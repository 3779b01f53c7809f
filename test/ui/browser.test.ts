// The dashboard in a browser: what a user sees and does. Needs Chromium; CI has it, and fails without.

import { readFileSync } from "node:fs"
import type { Browser, Page } from "playwright-core"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { parseOptions } from "../../sim/options/options"
import { Dashboard } from "../../sim/ui/dashboard"
import { serveDashboard } from "../../sim/ui/run"
import type { DashboardServer } from "../../sim/ui/server"
import { launchChromium, skipNote, withoutChromium } from "../support/chromium"

const inPage = readFileSync(new URL("./in-page.js", import.meta.url), "utf8")
describe.skipIf(withoutChromium)(`the dashboard in Chromium${skipNote}`, () => {
    let dashboard: Dashboard
    let server: DashboardServer
    let browser: Browser
    let page: Page
    /** What the browser complained about, and what it asked of other hosts. */
    const problems: string[] = []

    beforeAll(async () => {
        const words = ["--ui", "--runtime", "node,node", "--time", "virtual", "--config", "timeWait=500"]
        dashboard = new Dashboard(stage => parseOptions(words, { terminal: false, stage }))
        server = await serveDashboard(dashboard, 0)
        await dashboard.start()
        browser = await launchChromium()
        page = await browser.newPage({ viewport: { width: 1280, height: 900 } })
        page.setDefaultTimeout(30_000)
        page.on("console", message => {
            if (["error", "warning"].includes(message.type())) problems.push(message.text())
        })
        page.on("pageerror", error => problems.push(error.message))
        page.on("request", request => {
            const url = request.url()
            if (!url.startsWith(server.address) && !url.startsWith("data:")) problems.push(url)
        })
        await page.goto(server.address)
    })
    afterAll(async () => {
        await browser?.close()
        await server?.close()
        await dashboard?.close()
    })

    /** Waits until a text is somewhere in an element. */
    const see = (selector: string, text: string) =>
        page.locator(selector).filter({ hasText: text }).first().waitFor({ state: "attached" })
    const run = async (line: string) => {
        await page.getByLabel("Command", { exact: true }).fill(line)
        await page.keyboard.press("Enter")
        await see("#output .line-command", `> ${line}`)
    }

    test("shows the handshake of the example in the ladder, the state diagram and the plot", async () => {
        await see("#ladder .row", "SYN seq 4321")
        await see("#connections .connection", "Closed by both ends")
        const syn = page.locator("#ladder .row").filter({ hasText: "SYN seq 4321" }).first()
        expect(await syn.locator(".state").allTextContents()).toEqual([
            "SYN-SENT",
            "LISTEN",
            "",
            "SYN-RECEIVED",
        ])
        await page.locator(".connection .choice").last().click()
        await page.locator('.node.current[data-state="CLOSED"]').waitFor()
        const taken = await page
            .locator(".edge.taken")
            .evaluateAll(edges =>
                edges.map(edge => `${edge.getAttribute("data-from")} ${edge.getAttribute("data-to")}`)
            )
        expect(taken.sort()).toEqual([
            "CLOSED SYN-SENT",
            "ESTABLISHED FIN-WAIT-1",
            "FIN-WAIT-1 FIN-WAIT-2",
            "FIN-WAIT-2 TIME-WAIT",
            "SYN-SENT ESTABLISHED",
            "TIME-WAIT CLOSED",
        ])
        await see("#path li", "CLOSED → SYN-SENT at")
        await page.getByText("10.0.0.1:7", { exact: true }).last().click()
        await see("#path li", "LISTEN → SYN-RECEIVED at")
        await see("#plot svg title", "What the client sent: sequence numbers over time")
        await page.getByLabel("numbers from 0").check()
        await see("#ladder .row", "SYN-ACK seq 0 ack 1")
        await page.getByLabel("numbers from 0").uncheck()
    })

    test("saves a connection as a page of its own", async () => {
        const [download] = await Promise.all([
            page.waitForEvent("download"),
            page.getByText("Save this connection as a page").click(),
        ])
        expect(download.suggestedFilename()).toBe("connection-1.html")
    })

    test("runs a command of the console, recalls it with a key, and shows the connection that it opens", async () => {
        await page.getByRole("button", { name: "All traffic" }).click()
        await run("connect 10.0.0.1 7")
        const card = page.locator(".connection").first()
        await card.locator(".states").filter({ hasText: "ESTABLISHEDESTABLISHED" }).waitFor()
        await page.locator('.node.current[data-state="ESTABLISHED"]').waitFor()
        await page.getByLabel("Command", { exact: true }).press("ArrowUp")
        expect(await page.getByLabel("Command", { exact: true }).inputValue()).toBe("connect 10.0.0.1 7")
        await card.getByRole("button", { name: "send hello" }).click()
        await see("#ladder .row", '"hello"')
        await card.locator(".numbers").filter({ hasText: "5 bytes sent, 5 received" }).waitFor()
        await run("nonsense")
        await see("#output .line-error", "nonsense")
    })

    test("the Tab key completes a command, and leaves the field when nothing more can be completed", async () => {
        const field = page.getByLabel("Command", { exact: true })
        await field.fill("conn")
        await field.press("Tab")
        await see("#usage", "connect connections")
        expect(await field.inputValue()).toBe("connect")
        await field.fill("close ")
        await field.press("Tab")
        await page
            .locator("#usage")
            .filter({ hasText: /^6 +7$/ })
            .waitFor()
        await field.fill("wait 7 EST")
        await field.press("Tab")
        await expect.poll(() => field.inputValue()).toBe("wait 7 ESTABLISHED ")
        await see("#usage", "wait ID STATE")
        await field.fill("zzz")
        await field.press("Tab")
        await see("#usage", "Nothing completes this word.")
        await field.press("Tab")
        expect(await page.evaluate("document.activeElement.textContent")).toBe("Run")
        await field.fill("")
    })

    test("what is selected stays selected while rows and lines come", async () => {
        const selected = () => page.evaluate<string>("String(document.getSelection())")
        await page.locator("#ladder .above").filter({ hasText: "SYN seq 4321" }).first().selectText()
        const before = await selected()
        expect(before).toContain("SYN seq 4321")
        const rows = await page.locator("#ladder .row").count()
        dashboard.order({ command: "ping 10.0.0.1 1" })
        await page.locator("#ladder .row").nth(rows).waitFor({ state: "attached" })
        await see("#output", "10.0.0.1")
        expect(await selected()).toBe(before)
    })

    test("a slider changes the line, by keys, too, and frames are lost from then on", async () => {
        await page.getByRole("slider", { name: "Loss" }).press("End")
        await see("#output .line-output", "the line: loss=1,delay=5")
        expect(await page.getByRole("slider", { name: "Loss" }).getAttribute("aria-valuetext")).toBe("100 %")
        await run("connect 10.0.0.1 7")
        await run("sleep 3000")
        await page
            .locator("#ladder .row.lost .lost-word")
            .filter({ hasText: /^lost$/ })
            .first()
            .waitFor()
        await page.getByRole("button", { name: "Reset", exact: true }).click()
        await see("#output .line-output", "the line: delay=5")
        await page.locator('#line-loss[aria-valuetext="0 %"]').waitFor()
    })

    test("a condition is changed and ended by its button", async () => {
        await page.getByRole("button", { name: "Pull out" }).click()
        await page.getByRole("button", { name: "Plug in" }).click()
        await page.getByRole("button", { name: "Pull out" }).waitFor()
        await page.getByLabel("Longest packet, bytes").fill("20")
        await page.getByRole("button", { name: "Limit" }).click()
        await see("#output .line-error", "mtu: ")
    })

    test("a button stages a failure, whose sentence stands on the connection, and another one ends it", async () => {
        await page.getByRole("button", { name: "filtered a firewall drops" }).click()
        const card = page.locator(".connection.failed").first()
        await card.waitFor()
        const sentence =
            "10.0.0.1:7 did not answer 5 SYNs, though 10.0.0.1 answers ARP: a firewall drops them."
        expect(await card.locator(".sentence").textContent()).toBe(sentence)
        expect(await card.locator(".seen").textContent()).toContain(
            "10.0.0.1 answers ARP at 02:00:0a:00:00:01"
        )
        expect(await card.locator(".advice").textContent()).toContain("do: look at the firewall of 10.0.0.1")
        await see("#failures .sentence", sentence)
        await see("#ladder .row.form-why", sentence)
        await page.locator("#ladder .row.lost .lost-word").filter({ hasText: "filtered" }).first().waitFor()
        await see("#status", "Failure filtered: a firewall drops the segments of the port.")
        expect(await page.locator('.stage[aria-pressed="true"]').getAttribute("data-stage")).toBe("filtered")
        await page.getByRole("button", { name: "Start again without a failure" }).click()
        await see("#connections .connection", "Closed by both ends")
        expect(await page.locator(".connection.failed").count()).toBe(0)
    })

    test("a failure without a connection is in the list", async () => {
        await page.getByRole("button", { name: "dhcp-refused" }).click()
        await see("#failures .sentence", "refuses the request (NAK)")
        await page.getByRole("button", { name: "Start again without a failure" }).click()
        await see("#connections .connection", "Closed by both ends")
    })

    test("each device has its own ladder, and the console's commands are for the one that is shown", async () => {
        await page.getByRole("button", { name: "host 2" }).click()
        await run2("connect 10.0.0.2 80")
        await see("#connections .choice", "10.0.0.2:80")
        expect(await page.locator("#left-end").textContent()).toMatch(/^host 2 10\.0\.0\.3/)
        await page
            .getByRole("button", { name: /^Host X/ })
            .first()
            .click()
        await see("#ladder .row", "SYN seq 4321")

        async function run2(line: string): Promise<void> {
            await page.getByLabel("Command", { exact: true }).fill(line)
            await page.getByRole("button", { name: "Run" }).click()
            await see("#output .line-command", `> on 2 ${line}`)
        }
    })

    test("a page that loses the simulator says so, and shows what it has missed when it is there again", async () => {
        const { port } = server
        await server.close()
        await see("#link", "no answer from the simulator; trying again")
        dashboard.order({ command: "connect 10.0.0.1 9" })
        await dashboard.idle()
        server = await serveDashboard(dashboard, port)
        await see("#link", "live")
        await see("#output .line-command", "> connect 10.0.0.1 9")
        await see(".connection.failed .sentence", "10.0.0.1:9 refused the connection")
        expect(
            await page
                .locator("#output .line-note")
                .filter({ hasText: /^Host X connects to port 7/ })
                .count()
        ).toBe(printed(/^Host X connects to port 7/))
        // the browser itself reports the connection that it lost
        problems.splice(
            0,
            problems.length,
            ...problems.filter(text => !/ERR_(CONNECTION|INCOMPLETE)/.test(text))
        )
    })

    /** Returns how often the console has printed a line. */
    const printed = (line: RegExp) =>
        dashboard.feed.since(0, 100_000).messages.filter(one => one.kind === "line" && line.test(one.text))
            .length

    test.each(["light", "dark"] as const)("all text can be read in the %s theme", async colorScheme => {
        await page.getByRole("button", { name: "port-closed" }).click()
        await page.locator(".connection.failed").waitFor()
        await page.emulateMedia({ colorScheme })
        const paper = await page.evaluate("getComputedStyle(document.body).backgroundColor")
        expect(paper).toBe(colorScheme === "light" ? "rgb(255, 255, 255)" : "rgb(22, 24, 27)")
        expect(await page.evaluate(`${inPage}\npoorContrasts()`)).toEqual([])
    })

    test.each([360, 768, 1920])("at a width of %i pixels nothing is to be scrolled sideways", async width => {
        await page.setViewportSize({ width, height: 740 })
        expect(await page.evaluate(`${inPage}\ntooWide()`)).toEqual([])
    })

    test("everything that can be used has a name, and is reached by the keyboard", async () => {
        expect(await page.evaluate(`${inPage}\nnameless()`)).toEqual([])
        await page.keyboard.press("Tab")
        expect(await page.evaluate("document.activeElement !== document.body")).toBe(true)
    })

    test("there was no error in the browser, and no request to another host", () => {
        expect(problems).toEqual([])
    })
})
