// The error of `npm run deploy`.

/** Thrown when a program cannot be installed on a board; the message says why, and what to do. */
export class DeployError extends Error {
    override name = "DeployError"
}
