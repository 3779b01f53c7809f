/** Thrown for a program that the compiler rejects; the message contains all of the compiler's output. */
export class BuildError extends Error {}
