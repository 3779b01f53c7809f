// A host that a scenario plays.

import type { SpiChip } from "../../sim/chip/chip"
import { ScriptedPeer } from "../../sim/testing/peer"
import { DEVICE_IP, type Net } from "./net"

export class ScriptedStation extends ScriptedPeer {
    /** Plugs it in as 10.0.0.`last`. */
    constructor(net: Net<SpiChip>, last: number) {
        super(net, `station ${last}`, `10.0.0.${last}`, () => ({ ip: DEVICE_IP }))
    }
}
