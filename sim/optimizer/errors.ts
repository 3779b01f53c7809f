// What the optimizer says when it cannot go on.

/** An image that is damaged, or that breaks the VM's rules. The message says what is wrong and where. */
export class ImageError extends Error {}
