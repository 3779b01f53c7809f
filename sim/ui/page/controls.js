// What the user can change: the line, the conditions of the network, and failures.

/** The rates of the slider, bits per second; the first is no limit. */
const RATES = [0, 9600, 64_000, 256_000, 1_000_000, 10_000_000, 100_000_000]
/** The shortest time between two commands of a slider that moves, ms. */
const SLIDE_EVERY = 250

/** @type {ConditionsView["state"] | undefined} */
let conditions
/** When a slider was last moved by hand; until a moment later it does not move by itself. */
let slidAt = 0

const sliders = /** @type {HTMLInputElement[]} */ ([...document.querySelectorAll(".slider input")])

/**
 * Returns the value of a slider as the command takes it.
 * @param {HTMLInputElement} slider
 */
function lineValue(slider) {
    const value = Number(slider.value)
    if (value === 0) return "off"
    const key = slider.dataset.key ?? ""
    if (key === "rate") return `${RATES[value]}bit`
    return key === "delay" || key === "jitter" ? String(value) : String(value / 100)
}

/**
 * Writes the value of a slider beside it.
 * @param {HTMLInputElement} slider
 * @param {number} value
 */
function writeValue(slider, value) {
    const key = slider.dataset.key ?? ""
    const text =
        key === "rate"
            ? rateText(value)
            : key === "delay" || key === "jitter"
              ? `${Math.round(value * 10) / 10} ms`
              : `${Math.round(value * 1000) / 10} %`
    setText(/** @type {Element} */ (slider.nextElementSibling), text)
    slider.setAttribute("aria-valuetext", text)
}

/**
 * @param {number} rate
 */
function rateText(rate) {
    if (rate === 0) return "no limit"
    return rate >= 1e6 ? `${rate / 1e6} Mbit/s` : `${rate / 1000} kbit/s`
}

/**
 * Returns a value of the line in the scale of its slider.
 * @param {string} key
 * @param {number} value
 */
function toScale(key, value) {
    if (key === "delay" || key === "jitter") return value
    if (key !== "rate") return value * 100
    if (value === 0) return 0
    const index = RATES.findIndex(rate => rate >= value)
    return index < 0 ? RATES.length - 1 : index
}

/**
 * Returns the value of the line that a slider stands for.
 * @param {HTMLInputElement} slider
 */
function fromScale(slider) {
    const value = Number(slider.value)
    const key = slider.dataset.key ?? ""
    if (key === "rate") return RATES[value] ?? 0
    return key === "delay" || key === "jitter" ? value : value / 100
}

for (const slider of sliders) {
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let due
    slider.addEventListener("input", () => {
        slidAt = Date.now()
        writeValue(slider, fromScale(slider))
        due ??= setTimeout(() => {
            due = undefined
            void send({ command: `impair ${slider.dataset.key}=${lineValue(slider)}` })
        }, SLIDE_EVERY)
    })
}
byId("line-off").addEventListener("click", () => void send({ command: "impair off" }))

/**
 * Shows the conditions of the network.
 * @param {ConditionsView} message
 */
function takeConditions({ state }) {
    conditions = state
    const isSliding = Date.now() - slidAt < 4 * SLIDE_EVERY
    for (const slider of sliders) {
        const key = /** @type {keyof typeof state.line} */ (slider.dataset.key)
        if (isSliding && slider === document.activeElement) continue
        const value = toScale(key, state.line[key])
        if (Number(slider.value) !== value) slider.value = String(value)
        writeValue(slider, state.line[key])
    }
    condition("cable", state.cable === "out", "Plug in", "Pull out")
    condition("filter", state.filter !== undefined, "Stop", "Filter")
    condition("mtu", state.mtu !== undefined, "Stop", "Limit")
    condition("steal", state.steal !== undefined, "Stop", "Steal")
    const dhcp = fieldOf("dhcp")
    if (dhcp.value !== state.dhcp) dhcp.value = state.dhcp
    dhcp.parentElement?.classList.toggle("wrong", state.dhcp !== "on")
}

/**
 * @param {string} id
 * @param {boolean} isWrong
 * @param {string} end what the button does while the condition lasts
 * @param {string} begin
 */
function condition(id, isWrong, end, begin) {
    const button = byId(id)
    setText(button, isWrong ? end : begin)
    press(button, isWrong)
    button.parentElement?.classList.toggle("wrong", isWrong)
}

byId("cable").addEventListener("click", () => {
    void send({ command: conditions?.cable === "out" ? "cable in" : "cable out" })
})
for (const name of /** @type {const} */ (["filter", "mtu", "steal"])) {
    const toggle = () => {
        const isOn = conditions?.[name] !== undefined
        void send({ command: `${name} ${isOn ? "off" : fieldOf(`${name}-value`).value.trim()}` })
    }
    byId(name).addEventListener("click", toggle)
    byId(`${name}-value`).addEventListener("keydown", event => {
        if (event.key === "Enter") toggle()
    })
}
byId("dhcp").addEventListener("change", () => void send({ command: `dhcp ${fieldOf("dhcp").value}` }))

const stageButtons = /** @type {HTMLButtonElement[]} */ ([...document.querySelectorAll(".stage")])
for (const button of stageButtons) {
    button.addEventListener("click", () => {
        void send({ stage: button.dataset.stage ?? "" })
        byId("ladder-title").scrollIntoView({ block: "nearest" })
    })
}
byId("again").addEventListener("click", () => void send({ stage: "" }))

/**
 * Shows which failure a run shows.
 * @param {RunView} run
 */
function drawStages({ stage, stageless, time }) {
    for (const button of stageButtons) {
        press(button, button.dataset.stage === stage?.name)
        button.disabled = stageless !== ""
    }
    const pace =
        time === "virtual"
            ? " Time is virtual: minutes pass at once, and each command lets a second pass."
            : ""
    setText(
        byId("stage-text"),
        stageless !== ""
            ? stageless
            : stage === undefined
              ? `Each button begins a new network, on which the device runs into the failure.${pace}`
              : `This network shows ${stage.name}: ${stage.about}.${pace}`
    )
}
