// Devices, other hosts, connections with their states and why they failed, and the list of failures.

/** The most connections and failures that are shown, as many as the simulator keeps. */
const MOST_LISTED = 60

/**
 * The connections of each device by number, and the elements of those that are shown.
 * @type {Map<number, Map<number, ConnectionView>>}
 */
const connections = new Map()
/** @type {Map<number, HTMLLIElement>} */
const cards = new Map()

/**
 * Returns a connection of the device that is shown.
 * @param {number | undefined} number
 * @returns {ConnectionView | undefined}
 */
function connectionOf(number) {
    return number === undefined ? undefined : connections.get(shown.device)?.get(number)
}

/** Returns the connection whose states and graphs are drawn: the chosen one, or else the latest. */
function drawnConnection() {
    const all = [...(connections.get(shown.device)?.values() ?? [])]
    return connectionOf(shown.connection) ?? all.sort((a, b) => a.number - b.number).at(-1)
}

/**
 * Takes a connection, new or changed.
 * @param {ConnectionView} one
 */
function takeConnection(one) {
    const own = ofDevice(connections, one.device)
    own.set(one.number, one)
    const old = one.number - MOST_LISTED
    own.delete(old)
    if (one.device !== shown.device) return
    cards.get(old)?.remove()
    cards.delete(old)
    drawConnection(one)
}

/** Forgets all connections and failures. */
function clearConnections() {
    connections.clear()
    byId("failures").replaceChildren()
    byId("failures-part").hidden = true
    drawConnections()
}

/** Draws all connections of the device that is shown. */
function drawConnections() {
    cards.clear()
    byId("connections").replaceChildren()
    for (const one of connections.get(shown.device)?.values() ?? []) drawConnection(one)
    const isEmpty = cards.size === 0
    byId("no-connections").hidden = !isEmpty
    byId("all-row").hidden = isEmpty
}

/**
 * @param {ConnectionView} one
 */
function drawConnection(one) {
    let card = cards.get(one.number)
    if (card === undefined) {
        card = newCard(one)
        cards.set(one.number, card)
        // the newest is first
        byId("connections").prepend(card)
        byId("no-connections").hidden = true
        byId("all-row").hidden = false
    }
    const part = (/** @type {string} */ name) => /** @type {Element} */ (card?.querySelector(`.${name}`))
    const { left, right, why, ended, id, opened, sent, received, segments, repeated } = one
    card.classList.toggle("failed", why !== undefined)
    const arrow = opened === "right" ? "←" : opened === "left" ? "→" : "↔"
    setText(part("choice"), `${id > 0 ? `#${id} ` : ""}${left.name} ${arrow} ${right.name}`)
    press(part("choice"), shown.connection === one.number)
    setText(part("state-left"), left.state || "state unknown")
    setText(part("state-right"), right.state || "not heard")
    const again = repeated > 0 ? `, ${repeated} repeated` : ""
    setText(part("numbers"), `${segments} segments${again}; ${sent} bytes sent, ${received} received`)
    setText(part("sentence"), why?.sentence ?? ended)
    setText(part("seen"), why === undefined ? "" : why.evidence.map(text => `seen: ${text}`).join("; "))
    setText(part("advice"), why === undefined || why.advice === "" ? "" : `do: ${why.advice}`)
    const isOpen = id > 0 && !one.over && left.state !== "TIME-WAIT"
    const actions = /** @type {HTMLElement} */ (part("actions"))
    if (actions.hidden === isOpen) actions.hidden = !isOpen
}

/**
 * @param {ConnectionView} one
 */
function newCard({ number }) {
    const card = make("li", "connection")
    const choice = make("button", "choice")
    choice.type = "button"
    choice.addEventListener("click", () => choose(shown.connection === number ? undefined : number))
    const states = make("div", "states")
    states.append(make("span", "state-left"), make("span", "state-right"))
    const actions = make("div", "actions")
    const act = (/** @type {string} */ text, /** @type {(id: number) => string} */ line) => {
        const button = make("button", "", text)
        button.type = "button"
        button.addEventListener("click", () => command(line(connectionOf(number)?.id ?? 0)))
        actions.append(button)
    }
    act("send hello", id => `send ${id} hello`)
    act("close", id => `close ${id}`)
    act("abort", id => `abort ${id}`)
    card.append(choice, states, make("div", "numbers soft"), make("div", "sentence"))
    card.append(make("div", "seen soft"), make("div", "advice soft"), actions)
    return card
}

/**
 * Shows one connection, or all traffic.
 * @param {number | undefined} number
 */
function choose(number) {
    shown.connection = number
    press(byId("all"), number === undefined)
    for (const [own, card] of cards)
        press(/** @type {Element} */ (card.querySelector(".choice")), own === number)
    filterLadder()
    drawStates()
    drawPlot()
}

/**
 * Adds a failure to the list.
 * @param {FailureView} failure
 */
function takeFailure(failure) {
    const list = byId("failures")
    const item = make("li")
    const device = shown.run?.devices[failure.device]
    const name = (shown.run?.devices.length ?? 1) > 1 ? `${device?.name}, ` : ""
    item.append(make("div", "soft", `${name}${failure.time} s, ${failure.cause}`))
    item.append(make("div", "sentence", failure.sentence))
    for (const text of failure.evidence) item.append(make("div", "soft", `seen: ${text}`))
    if (failure.advice !== "") item.append(make("div", "", `do: ${failure.advice}`))
    list.prepend(item)
    if (list.childElementCount > MOST_LISTED) list.lastElementChild?.remove()
    byId("failures-part").hidden = false
}

/**
 * Draws the devices and hosts of a run.
 * @param {RunView} run
 */
function drawNetwork(run) {
    const group = byId("devices")
    for (const button of group.querySelectorAll("button")) button.remove()
    for (const { number, name, ip, about } of run.devices) {
        const button = make("button", "device choice")
        button.type = "button"
        button.append(make("b", "", name), ip, make("span", "", about))
        press(button, number === shown.device)
        button.addEventListener("click", () => showDevice(number))
        group.append(button)
    }
    byId("hosts").replaceChildren(
        ...run.hosts.map(({ name, ip, about }) => make("li", "", `${name} ${ip}: ${about}`))
    )
}

/**
 * Shows the traffic of a device.
 * @param {number} number
 */
function showDevice(number) {
    shown.device = number
    shown.connection = undefined
    press(byId("all"), true)
    ;[...byId("devices").querySelectorAll("button")].forEach((button, i) => {
        press(button, i === number)
    })
    drawConnections()
    drawLadder()
    drawStates()
    drawPlot()
}

byId("all").addEventListener("click", () => choose(undefined))
