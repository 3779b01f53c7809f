// Every staged failure is explained by one sentence that names its cause.

import { expect, test } from "vitest"
import { diagnosisLines } from "../../sim/diagnosis/diagnosis"
import { parseOptions } from "../../sim/options/options"
import { playStage } from "../../sim/run/staged"
import { World } from "../../sim/run/world"
import { stages } from "../../sim/stage/stages"

test.each(stages.map(({ name }) => name))("%s", async name => {
    const options = parseOptions(["--runtime", "node", "--stage", name], { terminal: false })
    const world = await World.make(options, [])
    try {
        await world.start()
        await playStage(world, options.stage!, () => {})
        world.explainRest()
        const all = world.explainers[0]!.all
        console.log(
            `## ${name}\n${all.map(one => `[${one.cause}] ${diagnosisLines(one).join("\n")}`).join("\n")}`
        )
        expect(all[0]?.cause).toBe(options.stage!.cause)
    } finally {
        await world.close()
    }
})
