// What a program can leave out, to have its bytes for something else. Each is here unless a project says otherwise; in its
// package.json, from which the simulator's build and `npx devicescript-tcp features` set this file:
//
//     "devicescript-tcp": { "without": ["SACK", "EVENTS"] }
//
// The compiler drops `if (NAME) { ... }`, `if (!NAME) ...` and `NAME ? a : b` where NAME is one of these, and the functions that
// nothing else calls. It does not drop `NAME && x`, nor methods.

/** Selective acknowledgments (RFC 2018). Without: a sender in recovery learns of one loss a round trip (RFC 6582). */
export const SACK = true
