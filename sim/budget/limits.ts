// What a program may take: the code that the VM can count, flash, heap.

/** The VM's program counter has 16 bits, on every board: header, function descriptors and code end below this. */
export const CODE_LIMIT = 0x1_0000
/** About what the RP2040's firmware has room for; the ESP32's takes twice that. */
export const IMAGE_LIMIT = 110 * 1024
/** What the VM collects garbage in, on the RP2040 and most of the ESP32. */
export const HEAP_LIMIT = 64 * 1024
