// Node runtime: @devicescript/gpio for tests that import src/ directly. A simulated device runs DeviceScript's own sources.

import type { DigitalValue, GPIOMode, Handler, InputPin, OutputPin, PinBase, Unsubscribe } from "./core"

export function pinMode(pin: PinBase, mode: GPIOMode): void {
    pin.setMode(mode)
}

export function digitalWrite(pin: OutputPin, value: DigitalValue | number | boolean): void {
    pin.write(value)
}

export function digitalRead(pin: InputPin): DigitalValue {
    return pin.value as DigitalValue
}

export function subscribeDigital(pin: InputPin, handler: Handler<DigitalValue>): Unsubscribe {
    return pin.subscribe(handler)
}
