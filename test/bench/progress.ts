// Reports what a long measurement is at, on standard error.

export type Progress = (what: string) => void

export const progress: Progress = what => void process.stderr.write(`bench: ${what}\n`)
