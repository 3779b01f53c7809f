// The limits of a program's flash and heap. The limit of its code is CODE_LIMIT of optimizer/image.ts.

/** The largest image for the firmware of the RP2040, approximately; the ESP32's firmware accepts twice as much. */
export const IMAGE_LIMIT = 110 * 1024
/** The VM's heap on the RP2040 and most boards with an ESP32. */
export const HEAP_LIMIT = 64 * 1024
