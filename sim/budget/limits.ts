// What a program may take besides code (CODE_LIMIT of optimizer/image.ts): flash and heap.

/** About what the RP2040's firmware has room for; the ESP32's takes twice that. */
export const IMAGE_LIMIT = 110 * 1024
/** What the VM collects garbage in, on the RP2040 and most of the ESP32. */
export const HEAP_LIMIT = 64 * 1024
