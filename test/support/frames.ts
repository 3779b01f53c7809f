// The frames of tests, which are those of the package's own modules for tests.

export * from "../../sim/testing/frames"
