import { describe, expect, test } from "vitest"
import { withKernel } from "./support/bed"
import { installed } from "./support/namespace"

/** A test that needs a program; where the project is checked it has to be there. */
function using(program: string): ReturnType<typeof test.skipIf> {
    return test.skipIf(process.env.CI === undefined && !installed(program))
}

const URL = "http://10.0.0.2/"

withKernel("programs on Linux", bed => {
    describe.each(["vm", "node"])("with the device on %s", runtime => {
        test("ping of 0, 56 and 1,472 bytes is answered", async () => {
            await bed().server(runtime)
            for (const size of ["0", "56", "1472"]) {
                const words = ["-c", "3", "-i", "0.01", "-s", size, "10.0.0.2"]
                expect((await bed().namespace.finish("ping", ...words)).code).toBe(0)
            }
        })

        using("curl")("curl gets the page, its head, and 404 for another path", async () => {
            await bed().server(runtime)
            const { namespace } = bed()
            for (let round = 0; round < 3; round++) {
                const page = await namespace.finish("curl", "-sS", "-m", "20", URL)
                expect(page).toMatchObject({ code: 0, stdout: expect.stringMatching(/<\/html>\s*$/) })
            }
            const head = await namespace.finish("curl", "-sSI", "-m", "20", URL)
            expect(head).toMatchObject({ code: 0, stdout: expect.stringMatching(/^HTTP\/1.1 200 OK/) })
            const other = await namespace.finish(
                "curl",
                "-sS",
                "-m",
                "20",
                "-o",
                "/dev/null",
                "-w",
                "%{http_code}",
                `${URL}x`
            )
            expect(other).toEqual({ code: 0, stdout: "404" })
            const closed = await namespace.finish("curl", "-sS", "-m", "20", "http://10.0.0.2:81/")
            expect(closed.code).toBe(7)
        })

        using("wget")("wget gets the page, whole", async () => {
            await bed().server(runtime)
            const page = await bed().namespace.finish("wget", "-q", "-T", "20", "-t", "1", "-O", "-", URL)
            expect(page).toMatchObject({ code: 0, stdout: expect.stringMatching(/<\/html>\s*$/) })
        })

        using("nc")("nc gets its lines back from the echo service", async () => {
            await bed().server(runtime)
            const script = "printf 'hello\\nworld\\n' | nc -N -w 20 10.0.0.2 7"
            const said = await bed().namespace.finish("sh", "-c", script)
            expect(said).toEqual({ code: 0, stdout: "hello\nworld\n" })
        })

        using("socat")("socat gets its lines back from the echo service", async () => {
            await bed().server(runtime)
            const script = "printf 'hello\\nworld\\n' | socat -t 20 - TCP:10.0.0.2:7"
            const said = await bed().namespace.finish("sh", "-c", script)
            expect(said).toEqual({ code: 0, stdout: "hello\nworld\n" })
        })

        using("ab")("ab gets the page 40 times, four at a time", async () => {
            await bed().server(runtime)
            // -l: the page shows the connections, so its length changes
            const result = await bed().namespace.finish("ab", "-l", "-q", "-n", "40", "-c", "4", URL)
            expect(result.stdout).toMatch(/Complete requests: +40\n/)
            expect(result.stdout).toMatch(/Failed requests: +0\n/)
            expect(result.code).toBe(0)
        })

        using("nmap")("nmap finds ports 7 and 80 open, 79 and 81 closed", async () => {
            await bed().server(runtime)
            const result = await bed().namespace.finish(
                "nmap",
                "-n",
                "-Pn",
                "-sS",
                "-p",
                "7,79,80,81",
                "10.0.0.2"
            )
            const states = [...result.stdout.matchAll(/^(\d+)\/tcp +(\w+)/gm)].map(
                ([, port, state]) => `${port} ${state}`
            )
            expect(states).toEqual(["7 open", "79 closed", "80 open", "81 closed"])
        })
    })
})
