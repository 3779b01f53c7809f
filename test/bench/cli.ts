// The entry of `npm run bench`: measures the stack where it runs, and prints one table.

import { writeFileSync } from "node:fs"
import { bytes, type Cell, table } from "../../sim/budget/table"
import { Answer } from "../../sim/options/command-line"
import { OptionError } from "../../sim/options/error"
import { type Growth, measureGrowth } from "./growth"
import { type BenchOptions, type Part, parseBenchOptions } from "./options"
import { type Comparison, measureNode, type NodeResult } from "./peers"
import { measurePrograms, type ProgramSize } from "./programs"
import { progress } from "./progress"
import { measureVm, type VmResult } from "./vm"
import { measureWire, type WireResult } from "./wire"

/** What was measured; a part that was left out is undefined. */
interface Results {
    vm?: VmResult[]
    growth?: Growth[]
    programs?: ProgramSize[]
    node?: NodeResult
    wire?: WireResult
}

function vmRows(all: readonly VmResult[]): Cell[][] {
    const rows = all.map(({ what, cost }) => [
        what,
        bytes(cost.operations),
        `${cost.calls} calls`,
        `${cost.allocations} allocations of ${bytes(cost.allocated)} bytes`,
        `${bytes(cost.spiBytes)} bytes on SPI`,
    ])
    return [["VM, whole device", "operations"], ...rows]
}

function nodeRows({ rates, failures, handshakes, stretch, bulk }: NodeResult): Cell[][] {
    const ratio = ({ ours, best, peer }: Comparison) =>
        best === null ? "no other stack was there" : `${(ours / best).toFixed(2)} times ${peer}`
    return [
        ["Node", "handshakes/s", "the quickest 960", "bulk MB/s"],
        ...Object.entries(rates).map(([name, rate]) => [
            name,
            bytes(Math.round(rate.handshakes)),
            bytes(Math.round(rate.stretch)),
            rate.bulk.toFixed(1),
        ]),
        ["ours is", ratio(handshakes), ratio(stretch), ratio(bulk)],
        ...Object.entries(failures).map(([name, why]) => [name, `fails: ${why}`]),
    ]
}

function wireRows({ goodputs, skipped }: WireResult): Cell[][] {
    if (skipped !== undefined) return [["Against the kernel", `skipped: ${skipped}`]]
    const timeouts = [...new Set(goodputs.map(({ rtoMin }) => rtoMin))]
    const losses = [...new Set(goodputs.map(({ loss }) => loss))]
    return [
        ["Against the kernel, KB/s", ...losses.map(loss => `${loss * 100} % lost`)],
        ...timeouts.map(rtoMin => [
            `rtoMin ${rtoMin}`,
            ...losses.map(loss =>
                goodputs.find(one => one.rtoMin === rtoMin && one.loss === loss)!.rate.toFixed(1)
            ),
        ]),
    ]
}

/** Returns the rows of the table, part by part. */
function rowsOf({ vm, growth, programs, node, wire }: Results): Cell[][] {
    const rows: Cell[][] = []
    if (vm !== undefined) rows.push(...vmRows(vm))
    if (growth !== undefined) {
        rows.push(["VM, stack alone", "operations"])
        for (const { what, operations } of growth) rows.push([what, bytes(operations)])
    }
    if (programs !== undefined) {
        rows.push(["Programs, bytes", "code", "image", "heap"])
        for (const { name, code, image, heap } of programs) {
            rows.push([name, bytes(code), bytes(image), bytes(heap)])
        }
    }
    if (node !== undefined) rows.push(...nodeRows(node))
    if (wire !== undefined) rows.push(...wireRows(wire))
    return rows
}

/** Returns the object for machines. */
function forMachines({ node, vm }: Required<Pick<Results, "node" | "vm">>): object {
    const costs = vm.map(({ name, cost: { operations, calls, allocated } }) => [
        name,
        { operations, calls, allocated },
    ])
    return {
        node: { handshakes: node.handshakes, stretch: node.stretch, bulk: node.bulk },
        vm: Object.fromEntries(costs),
    }
}

async function measure({ only }: BenchOptions): Promise<Results> {
    const results: Results = {}
    const wanted = (part: Part) => only.includes(part)
    if (wanted("vm")) results.vm = await measureVm(progress)
    if (wanted("growth")) results.growth = await measureGrowth(progress)
    if (wanted("programs")) {
        progress("builds the programs")
        results.programs = await measurePrograms()
    }
    if (wanted("node")) results.node = await measureNode(progress)
    if (wanted("wire")) results.wire = await measureWire(progress)
    return results
}

async function main(words: readonly string[]): Promise<number> {
    let options: BenchOptions
    try {
        options = parseBenchOptions(words)
    } catch (error) {
        if (error instanceof Answer) {
            process.stdout.write(error.message)
            return 0
        }
        if (!(error instanceof OptionError)) throw error
        process.stderr.write(`${error.message}\n`)
        return 2
    }
    const results = await measure(options)
    process.stdout.write(`${table(rowsOf(results)).join("\n")}\n`)
    const { json } = options
    const { node, vm } = results
    if (json !== undefined && node !== undefined && vm !== undefined)
        writeFileSync(json, `${JSON.stringify(forMachines({ node, vm }), null, 4)}\n`)
    return 0
}

process.exitCode = await main(process.argv.slice(2))
