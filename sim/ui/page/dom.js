// Helpers for the elements of the page, and the names of the messages' types. All scripts of this folder run as one (sim/ui/page.ts).

/** @typedef {import("../messages").Batch} Batch */
/** @typedef {import("../messages").Message} DashboardMessage */
/** @typedef {import("../messages").RunView} RunView */
/** @typedef {import("../messages").RowView} RowView */
/** @typedef {import("../messages").ConnectionView} ConnectionView */
/** @typedef {import("../messages").EndView} EndView */
/** @typedef {import("../messages").FailureView} FailureView */
/** @typedef {import("../messages").LineView} LineView */
/** @typedef {import("../messages").ConditionsView} ConditionsView */
/** @typedef {import("../messages").StatusView} StatusView */
/** @typedef {import("../messages").CommandsView} CommandsView */
/** @typedef {import("../messages").CompletionView} CompletionView */
/** @typedef {import("../messages").Side} Side */

/**
 * What the page shows: the device, and the connection if not all traffic is shown.
 * @type {{ device: number, connection: number | undefined, end: Side, run: RunView | undefined }}
 */
const shown = { device: 0, connection: undefined, end: "left", run: undefined }

/**
 * Returns the element with an id.
 * @param {string} id
 * @returns {HTMLElement}
 */
function byId(id) {
    const element = document.getElementById(id)
    if (element === null) throw new Error(`the page has no ${id}`)
    return element
}

/**
 * Returns the field or button with an id.
 * @param {string} id
 * @returns {HTMLInputElement}
 */
function fieldOf(id) {
    return /** @type {HTMLInputElement} */ (byId(id))
}

/**
 * Makes an element.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {string} [className]
 * @param {string} [text]
 * @returns {HTMLElementTagNameMap[Tag]}
 */
function make(tag, className = "", text = "") {
    const element = document.createElement(tag)
    if (className !== "") element.className = className
    if (text !== "") element.textContent = text
    return element
}

/**
 * Sets an element's text, only if it differs: what the user has selected stays selected.
 * @param {Element} element
 * @param {string} text
 */
function setText(element, text) {
    if (element.textContent !== text) element.textContent = text
}

/**
 * Marks a button as chosen or not.
 * @param {Element} button
 * @param {boolean} isOn
 */
function press(button, isOn) {
    const text = String(isOn)
    if (button.getAttribute("aria-pressed") !== text) button.setAttribute("aria-pressed", text)
}

/**
 * Sends an order to the simulator, and shows why it was refused, if it was.
 * @param {{ command: string } | { stage: string }} order
 */
async function send(order) {
    const problem = byId("problem")
    try {
        const response = await fetch("/orders", {
            method: "POST",
            headers: { "Content-Type": "application/json" },
            body: JSON.stringify(order),
        })
        problem.hidden = response.ok
        if (!response.ok) setText(problem, await response.text())
    } catch {
        problem.hidden = false
        setText(problem, "The simulator does not answer: it may have ended.")
    }
}

/**
 * Runs a console command on the device that is shown.
 * @param {string} line
 */
function command(line) {
    const isOther = shown.device > 0 && !/^\s*on\s/.test(line)
    void send({ command: isOther ? `on ${shown.device + 1} ${line}` : line })
}

/**
 * Returns what is kept of a device, by number: a new map if nothing is kept yet.
 * @template T
 * @param {Map<number, Map<number, T>>} all
 * @param {number} device
 * @returns {Map<number, T>}
 */
function ofDevice(all, device) {
    const known = all.get(device)
    if (known !== undefined) return known
    /** @type {Map<number, T>} */
    const made = new Map()
    all.set(device, made)
    return made
}

/**
 * Returns true when the user has selected something in an element, which must not be replaced then.
 * @param {Element} element
 */
function hasSelection(element) {
    const selection = document.getSelection()
    return selection !== null && !selection.isCollapsed && element.contains(selection.anchorNode)
}
