// The state diagram with the path of a connection, and the sequence plot.

/** Marks the states of the connection that is drawn, and the steps between them. */
function drawStates() {
    const one = drawnConnection()
    const device = shown.run?.devices[shown.device]
    setText(
        byId("end-left"),
        one === undefined ? (device?.name ?? "Host X") : `${device?.name} ${one.left.name}`
    )
    setText(byId("end-right"), one === undefined ? "peer" : one.right.name)
    press(byId("end-left"), shown.end === "left")
    press(byId("end-right"), shown.end === "right")
    const end = one?.[shown.end]
    const steps = end?.steps ?? []
    const been = new Set(steps.flatMap(({ from, to }) => [from, to]))
    const isLate = steps.length > 0 && steps.at(-1)?.to === "CLOSED"
    let closed = 0
    for (const node of document.querySelectorAll("#states .node")) {
        const state = node.getAttribute("data-state") ?? ""
        // CLOSED is drawn twice: the first is the beginning, the second the end
        const isEnd = state === "CLOSED" && ++closed === 2
        const isTaken = state === "CLOSED" ? (isEnd ? isLate : steps[0]?.from === "CLOSED") : been.has(state)
        node.classList.toggle("taken", isTaken)
        node.classList.toggle("current", end?.state === state && isTaken && (state !== "CLOSED" || isEnd))
    }
    const drawnEdges = new Set()
    for (const edge of document.querySelectorAll("#states .edge")) {
        const [from, to] = ["data-from", "data-to"].map(name => edge.getAttribute(name))
        const isTaken = steps.some(step => step.from === from && step.to === to)
        edge.classList.toggle("taken", isTaken)
        if (isTaken) drawnEdges.add(`${from} ${to}`)
    }
    drawOtherSteps(steps.filter(({ from, to }) => !drawnEdges.has(`${from} ${to}`)))
    drawPath(steps)
}

/**
 * Draws the steps that are not in the figure, such as the end by a reset.
 * @param {EndView["steps"]} steps
 */
function drawOtherSteps(steps) {
    const group = byId("other-steps")
    const places = (/** @type {string} */ state) =>
        [...document.querySelectorAll(`#states .node[data-state="${state}"]`)].map(node => [
            Number(node.getAttribute("data-x")),
            Number(node.getAttribute("data-y")),
        ])
    const paths = steps.flatMap(({ from, to }) => {
        const [start] = places(from)
        const end = places(to).at(-1)
        if (start === undefined || end === undefined) return []
        const path = document.createElementNS("http://www.w3.org/2000/svg", "path")
        path.setAttribute("d", `M${start.join(" ")}L${end.join(" ")}`)
        return [path]
    })
    group.replaceChildren(...paths)
}

/**
 * Lists the path in words.
 * @param {EndView["steps"]} steps
 */
function drawPath(steps) {
    const list = byId("path")
    steps.forEach(({ from, to, time }, i) => {
        const item = list.children[i] ?? list.appendChild(make("li"))
        setText(item, `${from} → ${to} at ${time} s`)
    })
    while (list.childElementCount > steps.length) list.lastElementChild?.remove()
}

for (const end of /** @type {const} */ (["left", "right"])) {
    byId(`end-${end}`).addEventListener("click", () => {
        shown.end = end
        drawStates()
    })
}

/** The shortest time between two plots, ms. */
const PLOT_EVERY = 700
/** What the plot shows, and when the next one is due. */
const plot = { key: "", isDue: false, isWaiting: false }

/** Draws the plot of the connection that is drawn, if it has changed. */
function drawPlot() {
    const one = drawnConnection()
    const report = /** @type {HTMLAnchorElement} */ (byId("report"))
    report.hidden = one === undefined
    byId("plot-none").hidden = one !== undefined
    const query = one && `device=${one.device}&connection=${one.number}`
    const key = one === undefined ? "" : `${query} ${one.segments}`
    if (key === plot.key) return
    if (query === undefined) {
        plot.key = ""
        byId("plot").replaceChildren()
        return
    }
    report.href = `/report?${query}`
    report.download = `connection-${one?.number}.html`
    if (plot.isWaiting) {
        plot.isDue = true
        return
    }
    plot.key = key
    plot.isWaiting = true
    void fetchPlot(query)
    setTimeout(() => {
        plot.isWaiting = false
        if (!plot.isDue) return
        plot.isDue = false
        drawPlot()
    }, PLOT_EVERY)
}

/**
 * @param {string} query
 */
async function fetchPlot(query) {
    const box = byId("plot")
    try {
        const response = await fetch(`/graphs?${query}`)
        const text = response.ok ? await response.text() : ""
        // there is nothing to draw yet: the next message asks again
        if (text === "") plot.key = ""
        // the simulator escapes all text in its pictures
        if (!hasSelection(box)) box.innerHTML = text
    } catch {
        // the stream shows that the simulator does not answer
    }
}
