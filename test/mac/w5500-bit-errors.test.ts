// Bits flip on the SPI bus, both ways, for minutes: the board recovers each time, and no program reads a byte that was not sent.

import { testBitErrors } from "./bit-errors"

testBitErrors("flipped bits")
