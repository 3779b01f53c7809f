// The error of the optimizer.

/** Thrown for an image that is damaged, or that breaks the VM's rules. The message says what is wrong and where. */
export class ImageError extends Error {}
