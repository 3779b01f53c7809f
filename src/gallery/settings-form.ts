// A web page with a form for the device's settings. The device keeps them in its flash, by DeviceScript's settings service; the simulator
// keeps them while it runs. In the simulator: npm start -- --program src/gallery/settings-form.ts --forward 8080:80
// and then http://127.0.0.1:8080/ in a browser.

import { readSetting, writeSetting } from "@devicescript/settings"
import { board } from "../board"
import { escapeHtml, formValue, HttpBodies, HttpServer, startNetwork } from "../index"
import { decimal } from "../net/address"
import { networkSettings } from "../socket/network-settings"

/** Settings of this program. The name of a setting has at most 13 characters. */
let label = await readSetting<string>("LABEL", "a new device")
let seconds = await readSetting<number>("SECONDS", 10)

const clients = 2
const net = await startNetwork({ mac: board, ...(await networkSettings()) })
const server = new HttpServer(net.stack, { port: 80, clients, bodies: new HttpBodies(256, clients) })
net.add(server)

server.route("GET", "/", () => ({
    type: "text/html; charset=utf-8",
    body: `<!doctype html><title>settings</title><h1>${escapeHtml(`${label}`)}</h1><form method=post>
<p><label>Name <input name=label maxlength=30 value="${escapeHtml(`${label}`)}"></label>
<p><label>Seconds between readings <input name=seconds type=number min=1 max=3600 value=${seconds}></label>
<p><button>Save</button></form>`,
}))

server.route("POST", "/", (_request, body) => {
    const text = body ? body.toString() : ""
    const name = formValue(text, "label")
    const number = decimal(formValue(text, "seconds") || "")
    if (!name || name.length > 30) return { status: 400, body: "the name has 1 to 30 characters\n" }
    if (number < 1 || number > 3600) return { status: 400, body: "the seconds are a number from 1 to 3600\n" }
    label = name
    seconds = number
    // a handler returns at once; flash takes longer
    keep.start()
    return { status: 303, headers: "Location: /\r\n" }
})

async function keep(): Promise<void> {
    await writeSetting("LABEL", label)
    await writeSetting("SECONDS", seconds)
    console.log(`kept: ${await readSetting("LABEL", "")}, ${await readSetting("SECONDS", 0)} s`)
}

while (!(await net.up(10000))) console.warn("no cable, or no address yet")
console.log(`http://${net.address()}/`)
