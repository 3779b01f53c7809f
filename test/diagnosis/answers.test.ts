// What a server answers to a request, and what it does not: the sentence names the request, and how much of the answer came.

import fc from "fast-check"
import { expect, test } from "vitest"
import { missingOf, ofHttp } from "../../sim/diagnosis/http"
import type { HostConnection } from "../../sim/host/host"
import type { Scene } from "../../sim/stage/scene"
import { ethernet, ipv4, udp } from "../../sim/testing/frames"
import { explained, lastResult, type Part } from "./explained"

const JSON_CLIENT = ["--program", "src/gallery/json-client.ts"]
const MQTT = ["--program", "src/gallery/mqtt-sensor.ts"]
const FOUND = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
const CUT = `${FOUND}Content-Length: 200\r\n\r\n{"id": 5`

/** A server on a port that does `act` when the first data comes. */
function serving(act: (connection: HostConnection, scene: Scene) => void, port = 8000): Part {
    return { set: scene => scene.server.listen(port, { data: connection => act(connection, scene) }) }
}

/** A server that sends a text and closes. */
const sends = (text: string) =>
    serving(connection => {
        connection.send(text)
        connection.close()
    })

/** Runs `run` in `ms`. */
const later = ({ clock }: Scene, ms: number, run: () => void) => clock.at(clock.now() + ms, run)

/** The commands that ask a web server, wait, and end the connection by `end`. */
const asking = (end: string) => [
    "connect 10.0.0.1 8000",
    "wait 3 ESTABLISHED",
    "send 3 GET / HTTP/1.1\\r\\n\\r\\n",
    "sleep 3000",
    `${end} 3`,
]

const silent = serving(() => {})

const answers: { readonly [name: string]: [Part, number, string, RegExp, ...string[]] } = {
    "a redirection to TLS": [
        sends("HTTP/1.1 302 Found\r\nLocation: https://10.0.0.1/readings\r\nContent-Length: 0\r\n\r\n"),
        5,
        "redirected",
        /^10\.0\.0\.1:8000 answered POST \/readings by 302 Found \(HTTP\): what was asked for is at https:\/\/10\.0\.0\.1\/readings\.$/,
        ...JSON_CLIENT,
    ],
    "a redirection to nowhere": [
        sends("HTTP/1.1 301 Moved Permanently\r\nContent-Length: 0\r\n\r\n"),
        5,
        "redirected",
        /by 301 Moved Permanently \(HTTP\): what was asked for is elsewhere, and the answer does not say where\.$/,
        ...JSON_CLIENT,
    ],
    "a body that is cut short": [
        sends(CUT),
        30,
        "cut-short",
        /^10\.0\.0\.1:8000 closed the connection in the middle of its answer to POST \/readings: 8 of 200 bytes \(Content-Length\) came\.$/,
        ...JSON_CLIENT,
    ],
    "a head that is cut short": [
        sends("HTTP/1.1 200 OK\r\nContent-Ty"),
        30,
        "cut-short",
        /in the middle of its answer to POST \/readings: not even its head was complete\.$/,
        ...JSON_CLIENT,
    ],
    "chunks without the last one": [
        sends(`${FOUND}Transfer-Encoding: chunked\r\n\r\n8\r\n{"id":5}\r\n`),
        30,
        "cut-short",
        /: the last chunk \(of 0 bytes\) is missing\.$/,
        ...JSON_CLIENT,
    ],
    "a server that resets in the middle of a body": [
        serving((connection, scene) => {
            connection.send(CUT)
            later(scene, 500, () => connection.abort())
        }),
        30,
        "cut-short",
        /^10\.0\.0\.1:8000 aborted the connection in the middle of its answer to POST \/readings: 8 of 200 bytes/,
        ...JSON_CLIENT,
    ],
    "a server that stops in the middle of a body": [
        serving(connection => connection.send(CUT)),
        30,
        "cut-short",
        /^10\.0\.0\.1:8000 stopped in the middle of its answer to POST \/readings: 8 of 200 bytes \(Content-Length\) came, and nothing in \d+\.\d+ s\.$/,
        ...JSON_CLIENT,
    ],
    "a server that does not answer": [
        silent,
        30,
        "no-answer",
        /^10\.0\.0\.1:8000 did not answer POST \/readings in 5\.\d\d s: it took the request, but its program sent nothing back\.$/,
        ...JSON_CLIENT,
    ],
    "a client that closes because no answer came": [
        { ...silent, commands: asking("close") },
        5,
        "no-answer",
        /^10\.0\.0\.1:8000 took GET \/ of Host X, but its program sent nothing back in 3\.\d\d s, so Host X closed\.$/,
    ],
    "a client that aborts because no answer came": [
        { ...silent, commands: asking("abort") },
        5,
        "no-answer",
        /sent nothing back in 3\.\d\d s, so Host X aborted the connection\.$/,
    ],
    "a server that closes after a while, without an answer": [
        serving((connection, scene) => later(scene, 4500, () => connection.close())),
        30,
        "no-answer",
        /^10\.0\.0\.1:8000 closed the connection 4\.\d\d s after POST \/readings, without an answer\.$/,
        ...JSON_CLIENT,
    ],
    "a plain request to a port for TLS": [
        sends(
            "HTTP/1.1 400 Bad Request\r\nContent-Length: 48\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"
        ),
        5,
        "tls",
        /^10\.0\.0\.1:8000 expects TLS: it answered the plain POST \/readings by 400 Bad Request, with "Client sent an HTTP request to an HTTPS server\."\.$/,
        ...JSON_CLIENT,
    ],
    "a server that is overloaded": [
        sends("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 120\r\nContent-Length: 0\r\n\r\n"),
        5,
        "service-refused",
        /by 503 Service Unavailable \(HTTP\)\.$/,
        ...JSON_CLIENT,
    ],
    "an answer that is no JSON": [
        sends("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"),
        5,
        "foreign-protocol",
        /^The answer of 10\.0\.0\.1:8000 to POST \/readings is not JSON: it begins with "hello"\.$/,
        ...JSON_CLIENT,
    ],
    "a web server where a broker is expected": [
        serving(connection => connection.send("HTTP/1.1 400 Bad Request\r\n\r\n"), 1883),
        5,
        "foreign-protocol",
        /^10\.0\.0\.1:1883 does not speak MQTT: it answered the CONNECT by "HTTP\/1\.1 400 Bad Request"\.$/,
        ...MQTT,
    ],
}

test.each(Object.entries(answers))("%s", async (_name, [part, seconds, cause, sentence, ...words]) => {
    const all = (await explained(part, seconds, ...words)).filter(one => one.cause !== "aborted")
    expect(all.map(one => one.cause)).toEqual([cause])
    expect(all[0]?.sentence).toMatch(sentence)
})

test("an answer that comes late corrects the sentence, and is no failure", async () => {
    const slow = serving((connection, scene) =>
        later(scene, 8000, () => {
            connection.send(`${FOUND}Content-Length: 8\r\n\r\n{"id":5}`)
            connection.close()
        })
    )
    const all = await explained(slow, 30, ...JSON_CLIENT)
    expect(all.map(one => one.cause)).toEqual(["no-answer", "answered-slowly"])
    expect(all[1]?.sentence).toMatch(/^10\.0\.0\.1:8000 has answered after all, at 8\.\d+ s\.$/)
    expect(all[1]?.replaces).toContain(all[0]?.sentence)
    expect(lastResult()).toBe("result: nothing failed.")
})

/** A time server whose answer `change` spoils. */
function clock(change: (answer: Uint8Array) => void): Part {
    return {
        set: scene => {
            scene.server.stop()
            const actor = scene.actor("10.0.0.1")
            actor.onPacket = view => {
                if (view.kind !== "udp") return
                const answer = new Uint8Array(48)
                answer.set([0x24, 2])
                // the request's transmit time stamp comes back as the origin
                answer.set(view.payload.subarray(40, 48), 24)
                answer[40] = 0xe0
                change(answer)
                const ends = { source: actor.ip, destination: view.source }
                const ports = { sourcePort: view.destinationPort, destinationPort: view.sourcePort }
                const packet = ipv4({ ...ends, protocol: 17 }, udp(ends, ports, answer))
                actor.send(ethernet(view.sourceMac, actor.mac, 0x0800, packet))
            }
        },
    }
}

test.each<[string, (answer: Uint8Array) => void, RegExp]>([
    [
        "RATE",
        answer => answer.set([0x24, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ...Buffer.from("RATE")]),
        /fewer questions \(RATE\)/,
    ],
    [
        "DENY",
        answer => answer.set([0x24, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ...Buffer.from("DENY")]),
        /refuses to answer \(DENY\)/,
    ],
    ["a clock that is not set", answer => answer.set([0xe4]), /the server's clock is not set\.$/],
    ["no time", answer => answer.fill(0, 40), /it has no time \(its transmit time stamp is 0\)\.$/],
    [
        "the mode of a client",
        answer => answer.set([0x23]),
        /its mode is 3, and that of a server's answer is 4\.$/,
    ],
])("a time server's answer: %s", async (_name, change, sentence) => {
    const all = await explained(clock(change), 40, "--program", "src/gallery/ntp-clock.ts")
    expect(all.map(one => one.cause)).toEqual(["service-refused"])
    expect(all[0]?.sentence).toMatch(sentence)
    expect(lastResult()).toBe("result: failed: 10.0.0.1: the server refuses (service-refused).")
})

const complete: { readonly [name: string]: string } = {
    "a body with its length": `${FOUND}Content-Length: 8\r\n\r\n{"id":5}`,
    "a body that the end of the connection ends": `${FOUND}\r\n{"id":5}`,
    chunks: `${FOUND}Transfer-Encoding: chunked\r\n\r\n4\r\n{"id\r\n4\r\n":5}\r\n0\r\n\r\n`,
    "an interim answer before": `HTTP/1.1 100 Continue\r\n\r\n${FOUND}Content-Length: 8\r\n\r\n{"id":5}`,
}

test.each(Object.entries(complete))("no failure: %s", async (_name, text) => {
    const all = await explained(sends(text), 20, ...JSON_CLIENT)
    expect(all.filter(one => one.cause === "cut-short" || one.cause === "no-answer")).toEqual([])
})

test("any bytes of a server have an answer", () => {
    const asked = Buffer.from("GET / HTTP/1.1\r\n\r\n")
    const parts = fc.constantFrom(
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 302\r\n",
        "HTTP/1.1 404 \x07\xe4\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Content-Length: 9\r\n",
        "Location: \x00\r\n",
        "ffffffff\r\n",
        "0\r\n",
        "\r\n",
        "\n",
        "HTTPS port"
    )
    const texts = fc.array(fc.oneof(parts, fc.string({ maxLength: 8 })), { maxLength: 12 })
    fc.assert(
        fc.property(texts, some => {
            const text = some.join("")
            const why = ofHttp("10.0.0.1:80", asked, Buffer.from(text))
            if (why !== undefined) expect(why.sentence).toMatch(/^[ -~]+$/)
            const missing = missingOf("GET /", text)
            expect(missing === undefined || missing.length > 0).toBe(true)
        })
    )
})
