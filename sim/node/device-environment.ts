// Node runtime: replaces environment.ts in the bundle of a simulated device. The simulator (runtime.ts) puts the environment
// into the device's context before it evaluates the program.

import type { Environment } from "./environment"

const host = globalThis as unknown as { environment: Environment; scheduler: typeof scheduler }

export const environment = host.environment

/** The simulator calls `step`, so that the program's promises run between two fibers. */
export const scheduler = { step: (): boolean => false, next: (): number => Number.POSITIVE_INFINITY }
host.scheduler = scheduler
