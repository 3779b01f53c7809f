// The stream of messages from the simulator, and where each of them goes.

/** The simulator that sent the last message: another one begins anew. */
let epoch = ""

/**
 * @param {DashboardMessage} message
 */
function take(message) {
    switch (message.kind) {
        case "run":
            beginRun(message)
            break
        case "status":
            takeStatus(message)
            break
        case "row":
            takeRow(message)
            break
        case "connection":
            takeConnection(message)
            break
        case "failure":
            takeFailure(message)
            break
        case "line":
            takeLine(message)
            break
        case "commands":
            takeCommands(message)
            break
        case "conditions":
            takeConditions(message)
            break
    }
}

/**
 * Begins to show another run.
 * @param {RunView} run
 */
function beginRun(run) {
    shown.run = run
    shown.connection = undefined
    if (run.devices[shown.device] === undefined) shown.device = 0
    press(byId("all"), true)
    drawNetwork(run)
    clearConnections()
    clearRows()
    drawEnds()
    drawStages(run)
}

/**
 * @param {StatusView} status
 */
function takeStatus({ state, text }) {
    const { stage } = shown.run ?? {}
    const what = stage === undefined ? "" : `Failure ${stage.name}: ${stage.about}. `
    setText(byId("status"), state === "ready" ? what || "Ready." : `${what}${text}`)
    byId("status").dataset.state = state
}

function connect() {
    const stream = new EventSource("/events")
    const link = byId("link")
    stream.onopen = () => {
        setText(link, "live")
    }
    stream.onerror = () => {
        setText(link, "no answer from the simulator; trying again")
        // the browser itself tries again, but not after an answer that is an error
        if (stream.readyState === EventSource.CLOSED) setTimeout(connect, 2000)
    }
    stream.onmessage = event => {
        const [from = ""] = event.lastEventId.split("-")
        if (epoch !== "" && from !== epoch) clearLines()
        epoch = from
        const batch = /** @type {Batch} */ (JSON.parse(event.data))
        for (const message of batch.messages) take(message)
        setText(byId("clock"), `${batch.now} s`)
        drawStates()
        drawPlot()
        if (shown.connection !== undefined) drawEnds()
    }
}

connect()
