// `npm start` as a person meets it: on a terminal, down to the page in this computer's browser.

import { fileURLToPath } from "node:url"
import { afterEach, describe, expect, test } from "vitest"
import { withoutPython } from "../peers/python"
import { Cli, runtimes } from "./cli"

const SCRIPT = fileURLToPath(new URL("terminal.py", import.meta.url))
const CTRL_D = "\x04"

class OnTerminal extends Cli {
    protected override get starter(): string[] {
        return ["python3", SCRIPT, "sh", "-c", 'stty rows 24 cols 80 && exec "$0" "$@"']
    }
}

let device: Cli | undefined
afterEach(async () => {
    device?.signal("SIGKILL")
    await device?.ended
    device = undefined
})

/** What a terminal shows, without colours. */
function plain(text: string): string {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is to go
    return text.replaceAll(/\x1b\[[0-9;]*[A-Za-z]/g, "")
}

describe.skipIf(withoutPython)("npm start on a terminal", () => {
    test.each(runtimes)(
        "ends with the page's address, and draws a browser's connection, on %s",
        async runtime => {
            device = new OnTerminal("--runtime", runtime)
            await device.until(stdout => stdout.includes('"help" lists the commands'))
            const shown = plain(device.stdout)
            expect(shown.match(/ ok {2}|✓/g)).toHaveLength(7)
            // on a screen of 24 lines the handshake is still there when the prompt comes
            await device.until(stdout => plain(stdout).endsWith("> "))
            const lines = plain(device.stdout).split(/\r?\n/).slice(-24)
            const screen = lines.slice(lines.findIndex(line => line.includes("once more"))).join("\n")
            // a state that a busy computer reports late has a line of its own
            for (const shown of ["SYN-SENT", "SYN-RECEIVED"]) expect(screen).toContain(shown)
            expect(screen.match(/ESTABLISHED/g)).toHaveLength(2)
            expect(screen).toMatch(/ SYN {5}seq(?:.|\n)* SYN-ACK seq(?:.|\n)* ACK {5}seq/)
            expect(screen).toMatch(/Connection 6 is open: "send 6 hello", "close 6"/)
            const [, url = ""] = /Its page in your browser: (http:\/\/127\.0\.0\.1:\d+)/.exec(shown) ?? []
            const pages = await Promise.all([1, 2].map(async () => await (await fetch(url)).text()))
            for (const page of pages) expect(page).toContain("<title>devicescript-tcp</title>")
            // the ladder goes on, with the browser at its other end
            await device.until(stdout => /10\.0\.0\.3 port \d+ /.test(plain(stdout)))
            device.press(CTRL_D)
            expect(await device.ended).toBe(0)
        }
    )
})
