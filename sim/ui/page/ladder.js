// The ladder: a row for each frame, remark and state. Rows are added, and their cells changed, but never drawn anew.

/** The most rows of a device, as many as the simulator keeps. */
const MOST_ROWS = 600

/**
 * The rows of each device by number, the oldest first, and the element of each row that is drawn.
 * @type {Map<number, Map<number, RowView>>}
 */
const rows = new Map()
/** @type {Map<number, HTMLLIElement>} */
const drawn = new Map()

/**
 * Takes a row, new or changed.
 * @param {RowView} row
 */
function takeRow(row) {
    const own = ofDevice(rows, row.device)
    own.set(row.number, row)
    if (row.device === shown.device) drawRow(row)
    const old = row.number - MOST_ROWS
    if (!own.delete(old) || row.device !== shown.device) return
    drawn.get(old)?.remove()
    drawn.delete(old)
}

/** Forgets all rows. */
function clearRows() {
    rows.clear()
    eraseLadder()
}

function eraseLadder() {
    drawn.clear()
    byId("ladder").replaceChildren()
}

/** Draws all rows of the device that is shown. */
function drawLadder() {
    eraseLadder()
    const own = [...(rows.get(shown.device)?.values() ?? [])].sort((a, b) => a.number - b.number)
    for (const row of own) drawRow(row)
    drawEnds()
    followLadder(true)
}

/** Shows or hides rows for the connection that was chosen. */
function filterLadder() {
    for (const [number, element] of drawn) {
        const row = rows.get(shown.device)?.get(number)
        if (row !== undefined) element.hidden = !isShown(row)
    }
    drawEnds()
    followLadder(true)
}

/**
 * Returns true for a row of the chosen connection, or of none: ARP and the like may explain what happens to it.
 * @param {RowView} row
 */
function isShown({ connection, form }) {
    if (form === "gone") return false
    return shown.connection === undefined || connection === undefined || connection === shown.connection
}

/** Names the hosts above the lifelines. */
function drawEnds() {
    const device = shown.run?.devices[shown.device]
    const own = connectionOf(shown.connection)
    setText(byId("left-end"), `${device?.name ?? ""} ${own?.left.name ?? device?.ip ?? ""}`)
    setText(byId("right-end"), own === undefined ? "network" : own.right.name)
}

/**
 * @param {RowView} row
 */
function drawRow(row) {
    let element = drawn.get(row.number)
    if (element === undefined) {
        element = make("li")
        for (const name of ["time", "lane", "state left", "state right", "state left end", "state right end"])
            element.append(make("div", name))
        const list = byId("ladder")
        const next = [...drawn.keys()].filter(number => number > row.number)
        // a row that comes again after a new connection to the simulator may be older than others
        const before = next.length === 0 ? null : (drawn.get(Math.min(...next)) ?? null)
        list.insertBefore(element, before)
        drawn.set(row.number, element)
    }
    const names = ["row", `form-${row.form}`, `tone-${row.tone}`]
    if (row.from !== undefined) names.push(row.from === "left" ? "to-right" : "to-left")
    if (row.lost !== undefined) names.push("lost")
    element.className = names.join(" ")
    element.hidden = !isShown(row)
    const [time, lane, ...states] = [...element.children]
    if (time === undefined || lane === undefined) return
    setText(time, row.time)
    const texts = [row.left[0], row.right[0], row.left[1], row.right[1]]
    states.forEach((state, i) => {
        setText(state, texts[i] ?? "")
    })
    fillLane(lane, row)
    followLadder(false)
}

/**
 * @param {Element} lane
 * @param {RowView} row
 */
function fillLane(lane, row) {
    const texts = fieldOf("counted").checked ? row.counted : row.text
    if (lane.childElementCount === 0) {
        lane.append(make("span", "unseen"), make("div", "above"))
        if (row.from !== undefined) lane.append(make("span", "arrow"))
        lane.append(make("div", "below"), make("span", "lost-word"))
    }
    const direction = row.from === undefined ? "" : row.from === "left" ? "sent: " : "received: "
    const [spoken, above] = [...lane.children]
    const [below, lost] = [...lane.children].slice(-2)
    if (spoken === undefined || above === undefined || below === undefined || lost === undefined) return
    setText(spoken, direction)
    setText(above, texts[0] ?? "")
    setText(below, texts[1] ?? "")
    setText(lost, row.lost ?? "")
}

/** True while a scroll to the end is due. */
let isScrolling = false

/**
 * Scrolls to the newest row, if the user wants to follow.
 * @param {boolean} isNew
 */
function followLadder(isNew) {
    if (isScrolling || !fieldOf("follow").checked) return
    const box = byId("ladder-scroll")
    // a user that has scrolled up to read stays there
    const isAtEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 80
    if (!isNew && !isAtEnd) return
    isScrolling = true
    requestAnimationFrame(() => {
        isScrolling = false
        if (!hasSelection(box)) box.scrollTop = box.scrollHeight
    })
}

byId("counted").addEventListener("change", () => {
    for (const [number, element] of drawn) {
        const row = rows.get(shown.device)?.get(number)
        const lane = element.children[1]
        if (row !== undefined && lane !== undefined) fillLane(lane, row)
    }
})
byId("follow").addEventListener("change", () => followLadder(true))
