// Plays a stage: lets the device run into a failure, until it is explained.

import type { Stage } from "../stage/stages"
import { Ended } from "./ended"
import type { World } from "./world"

/** The longest time that a failure may take, ms: retransmissions end after some minutes. */
const PATIENCE = 900_000
/** What follows the first explanation within this time is shown, too, ms. */
const SETTLE = 1000

/** Lets the device run into the failure of a stage. Throws an Ended with code 1 when nothing failed. */
export async function playStage(
    world: World,
    { name, commands = [] }: Stage,
    say: (line: string) => void
): Promise<void> {
    const isExplained = () => world.explainers.some(({ all }) => all.length > 0)
    // the program is the user's, or that of the stage: it needs no commands
    if (world.options.program === undefined) {
        for (const command of commands) {
            say(command)
            world.explainReply(command, await world.command(command))
        }
    }
    await world.until(isExplained, PATIENCE)
    await world.pass(SETTLE)
    if (!isExplained()) world.explainRest()
    if (isExplained()) return
    const { program } = world.options
    const unlike =
        program === undefined || commands.length === 0
            ? ""
            : `: ${program} does not do what runs into it (${commands.join("; ")})`
    throw new Ended(1, `stage ${name}: nothing failed within ${PATIENCE / 1000} s${unlike}`)
}
