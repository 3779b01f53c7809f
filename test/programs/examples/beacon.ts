import "../../../boards/host/pipe"
import "../../../src/examples/beacon"
