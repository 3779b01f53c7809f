// The text of segments in tests, which is that of the package's own modules for tests.

export * from "../../sim/testing/segment"
