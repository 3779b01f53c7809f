// Bits flip on the SPI bus to an ENC28J60, both ways, for minutes: the board recovers each time, and no program reads a byte that was not sent.

import { testBitErrors } from "./bit-errors"

testBitErrors("flipped bits to an ENC28J60", "pico_enc28j60")
