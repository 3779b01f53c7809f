// The board that programs are built for; its wiring and driver are in boards/. `--board NAME` of npm start, build and deploy
// replaces it for that run; to replace it permanently, change the line.

export { board } from "../boards/w5500_evb_pico"
