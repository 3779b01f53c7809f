// The board that programs are built for: wiring and driver are in boards/. `--board NAME` of npm start, build and deploy puts
// another one here for that run; change the line to have another one always.

export { board } from "../boards/w5500_evb_pico"
