// Takes the place of environment.ts in the bundle of a simulated device: everything comes from the host, which puts
// it into the device's context before the program is evaluated.

import type { Environment } from "./environment"

const host = globalThis as unknown as { environment: Environment; scheduler: typeof scheduler }

export const environment = host.environment

/** The host runs what is due, so that the program's promises run dry in between. */
export const scheduler = { step: (): boolean => false, next: (): number => Number.POSITIVE_INFINITY }
host.scheduler = scheduler
