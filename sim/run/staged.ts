// Plays a stage: lets the device run into a failure, until it is explained.

import { CONSOLE } from "../options/options"
import type { Stage } from "../stage/stages"
import { Ended } from "./ended"
import type { World } from "./world"

/** The longest time that a failure may take, ms: retransmissions end after some minutes. */
const PATIENCE = 900_000
/** What follows the first explanation within this time is shown, too, ms. */
const SETTLE = 1000

/** Thrown when a program does not run into the failure of a stage. */
export class NothingFailed extends Ended {}

/** Lets the device run into the failure of a stage. Throws a NothingFailed with code 1 when nothing has failed within `patience` ms. */
export async function playStage(
    world: World,
    { name, commands = [] }: Stage,
    say: (line: string) => void,
    patience = PATIENCE
): Promise<void> {
    const isExplained = () => world.explainers.some(({ all }) => all.length > 0)
    const { program } = world.options
    // any other program is the user's, or that of the stage: it needs no commands
    if (program === undefined || program === CONSOLE) {
        for (const command of commands) {
            say(command)
            world.explainReply(command, await world.command(command))
        }
    }
    await world.until(isExplained, patience)
    await world.pass(SETTLE)
    if (!isExplained()) world.explainRest()
    if (isExplained()) return
    const unlike =
        program === undefined || commands.length === 0
            ? ""
            : `: ${program} does not do what runs into it (${commands.join("; ")})`
    throw new NothingFailed(1, `stage ${name}: nothing failed within ${patience / 1000} s${unlike}`)
}
