// devicescript-tcp/testing: tests of programs without hardware, under vitest or any other runner (docs/testing.md).

export type * from "./api"
export { lab } from "./lab"
export { type Checks, check, matchers, type Result } from "./matchers"
