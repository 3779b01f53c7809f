// The console's commands that let something fail, and why.

import { expect, test } from "vitest"
import { parseOptions } from "../../sim/options/options"
import { World } from "../../sim/run/world"

/** Commands in the order in which they are given, with their status and output. */
const commands: readonly (readonly [string, 0 | 1, RegExp])[] = [
    ["why", 0, /^nothing has failed so far$/],
    ["why 9", 1, /^why: no connection "9": see connections$/],
    ["cable", 1, /^cable: usage: cable out\|in$/],
    ["cable sideways", 1, /^cable: usage: cable out\|in$/],
    ["filter 99999", 1, /^filter: /],
    ["mtu 20", 1, /^mtu: /],
    ["steal nobody", 1, /^steal: /],
    ["dhcp refuse", 1, /^dhcp refuse: this network has no DHCP server$/],
    ["dhcp off", 0, /^the DHCP server is set to off$/],
    ["impair", 1, /^impair: usage: impair KEY=VALUE,\.\.\.\|off$/],
    ["impair loss=2", 1, /^impair: loss=2 is not valid: loss takes a probability from 0 to 1 /],
    ["impair loss=off,loss=0.1", 1, /^impair: loss is given twice /],
    ["impair dup=0.5,rate=1mbit", 0, /^the line: delay=5,dup=0\.5,rate=1000000bit$/],
    ["impair rate=off", 0, /^the line: delay=5,dup=0\.5$/],
    ["impair off", 0, /^the line: delay=5$/],
    ["impair delay=off", 0, /^the line: nothing is wrong with it$/],
    ["impair delay=5", 0, /^the line: delay=5$/],
    ["mtu 576", 0, /^packets of more than 576 bytes vanish$/],
    ["mtu off", 0, /^packets of any length pass$/],
    ["steal 10.0.0.77", 0, /^another host has 10\.0\.0\.77, too$/],
    ["steal off", 0, /^no address is stolen$/],
    ["filter 7", 0, /^port 7 is filtered$/],
    ["connect 10.0.0.1 7", 0, /SYN-SENT$/],
    ["sleep 100000", 0, /^$/],
    ["why 3", 0, /^why: 10\.0\.0\.1:7 did not answer \d SYNs, though 10\.0\.0\.1 answers ARP/],
    ["filter off", 0, /^no port is filtered$/],
    ["connect 10.0.0.1 7", 0, /SYN-SENT$/],
    ["wait 4 ESTABLISHED", 0, /ESTABLISHED$/],
    ["why 4", 0, /^why: Nothing is wrong with the connection with 10\.0\.0\.1:7 so far\./],
    ["cable out", 0, /^the cable is out$/],
    ["why", 0, /why: The cable of Host X is out since \d+\.\d+ s/],
    ["cable in", 0, /^the cable is in$/],
    ["on 1 why 3", 0, /^why: 10\.0\.0\.1:7 did not answer/],
    ["help", 0, /why \[ID\] .*\(simulator only\)$/],
]

test("each command says what it does, and why something failed", async () => {
    const world = await World.make(
        parseOptions(["--runtime", "node", "--exec", "help"], { terminal: false }),
        []
    )
    try {
        await world.start()
        for (const [line, status, output] of commands) {
            const reply = await world.command(line)
            expect({ line, status: reply.status, output: reply.lines.join("\n") }).toEqual({
                line,
                status,
                output: expect.stringMatching(output),
            })
        }
    } finally {
        await world.close()
    }
})
