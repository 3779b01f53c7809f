/** A program that did not get onto a board; the message says why, and what to do. */
export class DeployError extends Error {
    override name = "DeployError"
}
