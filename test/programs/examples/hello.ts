import "../../../boards/host/pipe"
import "../../../src/examples/hello"
