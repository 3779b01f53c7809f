// The same segments and calls to the Linux kernel and to this stack in the same state. Their answers are the same, or differ
// in a way that differences.ts lists with the text that decides.

import fc from "fast-check"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { cases } from "../../support/property"
import { missing } from "../support/namespace"
import { type Difference, describe as inWords, Pair, together } from "./compare"
import { classOf } from "./differences"
import { examples } from "./examples"
import { Lab } from "./lab"
import { plainMatrix, stampedMatrix } from "./matrix"
import { bases, sequences } from "./sequences"
import { situations } from "./states"
import { shown, Tally } from "./tally"

/** Whether the two may be in different states though they stand alike. */
const ends = (difference: Difference) => classOf(difference)?.passes !== true

const BASE = 0x5000

describe.skipIf(missing() !== undefined)("the Linux kernel's TCP and ours, side by side", () => {
    let lab: Lab
    const tally = new Tally()
    beforeAll(() => {
        lab = new Lab()
    })
    afterAll(async () => await lab?.remove())

    describe.each([
        { name: "without options", options: false },
        { name: "with timestamps and SACK", options: true },
    ])("$name", ({ options }) => {
        beforeAll(() => lab.offer(options))

        test.each(situations)(
            "$name: each kind of segment with each number differs only in known classes",
            situation => {
                const unknown: Difference[] = []
                const actions = options ? stampedMatrix() : plainMatrix(situation.variant === true)
                lab.inside(() => {
                    for (const action of actions) {
                        const make = () => new Pair(lab, situation, options, BASE)
                        const difference = tally.add(together(make, pair => pair.do(action)))
                        if (difference !== undefined) unknown.push(difference)
                    }
                })
                expect(shown(unknown)).toEqual([])
            }
        )

        test.each(examples.filter(example => example.options === options))(
            "$difference: differs from $from on",
            ({ difference, from, actions }) => {
                const situation = situations.find(({ name }) => name === from)!
                const make = () => new Pair(lab, situation, options, BASE)
                const differences = lab.inside(() => together(make, pair => pair.run(actions, ends)))
                tally.sequences++
                expect(
                    shown(differences.map(each => tally.add(each)).filter(each => each !== undefined))
                ).toEqual([])
                // all actions were done, and the last one differs
                expect(differences.length).toBe(actions.length)
                const last = differences.at(-1)
                expect(last && classOf(last)?.name).toBe(difference)
            }
        )

        test("random sequences differ only in known classes", () => {
            const property = fc.property(
                fc.constantFrom(...situations),
                bases,
                sequences(options),
                (situation, base, actions) => {
                    const make = () => new Pair(lab, situation, options, base)
                    const differences = together(make, pair => pair.run(actions, ends))
                    tally.sequences++
                    for (const difference of differences) {
                        const unknown = tally.add(difference)
                        if (unknown !== undefined) throw new Error(inWords(unknown))
                    }
                }
            )
            lab.inside(() => fc.assert(property, cases(2000)))
        })
    })

    test("each class of differences is met", () => {
        console.log(tally.report())
        expect(tally.dead).toEqual([])
    })
})
