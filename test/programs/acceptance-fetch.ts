// What a program that fetches by name takes: its address by DHCP, names by DNS, the fetch of @devicescript/net.

import "../../boards/host/pipe"
import type { Buffer } from "@devicescript/core"
import * as ds from "@devicescript/core"
import { fetch } from "@devicescript/net"
import { board } from "../../src/board"
import { boot } from "../../src/boot"
import { lines } from "../../src/device/command-hook"
import { bodyOf, useForNet } from "../../src/socket/devicescript-net"
import { dhcp } from "../../src/socket/dhcp"
import { dns } from "../../src/socket/dns"
import { startNetwork } from "../../src/socket/interface"

/** Adds to a sum that the order of the bytes counts in. */
function added(sum: number, data: Buffer): number {
    for (let i = 0; i < data.length; i++) sum = (sum * 31 + (data[i] as number)) % 1000003
    return sum
}

async function stream(url: string): Promise<string> {
    const response = await fetch(url)
    const socket = bodyOf(response)
    let length = 0
    let sum = 0
    for (let data = await socket.recv(); data; data = await socket.recv()) {
        length += data.length
        sum = added(sum, data)
    }
    await response.close()
    return `${response.status} ${length} bytes, sum ${sum}`
}

let ready = false
lines.run = async (line, print) => {
    while (!ready) await ds.sleep(5)
    const args = line.split(" ")
    try {
        if (args[0] === "up") await print(`${await net.up(20000)} ${net.address()}`)
        if (args[0] === "stream") await print(await stream(args[1]))
        if (args[0] === "json") {
            const response = await fetch(args[1])
            const { answer, list } = (await response.json()) as { answer: string; list: number[] }
            await print(`${response.status} ${answer} ${list.length}`)
        }
        return 0
    } catch (error) {
        await print((error as Error).message)
        return 1
    }
}

const net = await startNetwork({ mac: board, ...boot, addressing: dhcp(), resolver: dns() })
useForNet(net)
ready = true
