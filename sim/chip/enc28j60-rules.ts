// Checks a host's writes against what the ENC28J60's data sheet forbids.

import { Econ1, Macon3, Reg } from "./enc28j60-map"
import type { Enc28j60State } from "./enc28j60-state"

/** Records a write that the data sheet forbids. */
export function noteForbidden(state: Enc28j60State, register: number, value: number): void {
    const before = state.registers[register]!
    if (before === value) return
    const name = nameOf(register)
    const receives = state.has(Reg.ECON1, Econ1.RXEN)
    const sends = state.has(Reg.ECON1, Econ1.TXRTS)
    const fifo = register >= Reg.ERXST && register <= Reg.ERXND + 1
    const filter = register === Reg.ERXFCON || (register >= Reg.MAADR5 && register <= Reg.MAADR2)
    // 7.2.1
    if (receives && (fifo || filter)) state.misused(`${name} changed while RXEN is set`)
    // 9.1, 9.2
    if ((receives || sends) && register === Reg.MACON3 && ((before ^ value) & Macon3.FULDPX) !== 0)
        state.misused("MACON3.FULDPX changed while RXEN or TXRTS is set")
    // 7.1
    if (sends && register >= Reg.ETXST && register <= Reg.ETXND + 1)
        state.misused(`${name} changed while TXRTS is set`)
    // 13.1
    if (state.has(Reg.ECON1, Econ1.DMAST) && register >= Reg.EDMAST && register <= Reg.EDMACS + 1)
        state.misused(`${name} changed while DMAST is set`)
}

/** Returns a register's name. */
export function nameOf(register: number): string {
    for (const back of [0, 1]) {
        const name = Reg[register - back]
        if (name !== undefined) return back === 0 ? name : `${name}+1`
    }
    return `register 0x${register.toString(16)}`
}
