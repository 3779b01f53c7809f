// The console: the commands of the terminal's console, and what they print.

/** The most lines that are shown, as many as the simulator keeps, and the commands that the arrow keys recall. */
const MOST_LINES = 800
const MOST_RECALLED = 100

/** The number of the last line that was shown. */
let lastLine = 0
/** @type {string[]} */
const recalled = []
let recallAt = 0

/**
 * Adds a line, once.
 * @param {LineView} line
 */
function takeLine({ number, text, tone }) {
    if (number <= lastLine) return
    lastLine = number
    const output = byId("output")
    const isAtEnd = output.scrollHeight - output.scrollTop - output.clientHeight < 40
    output.append(make("div", `line-${tone}`, text))
    if (output.childElementCount > MOST_LINES) output.firstElementChild?.remove()
    if (isAtEnd && !hasSelection(output)) output.scrollTop = output.scrollHeight
}

/** Forgets the lines, because another simulator has begun. */
function clearLines() {
    lastLine = 0
    byId("output").replaceChildren()
}

byId("prompt").addEventListener("submit", event => {
    event.preventDefault()
    const field = fieldOf("command")
    const line = field.value.trim()
    if (line === "") return
    field.value = ""
    if (recalled.at(-1) !== line) recalled.push(line)
    if (recalled.length > MOST_RECALLED) recalled.shift()
    recallAt = recalled.length
    command(line)
})

byId("command").addEventListener("keydown", event => {
    const step = event.key === "ArrowUp" ? -1 : event.key === "ArrowDown" ? 1 : 0
    if (step === 0) return
    event.preventDefault()
    recallAt = Math.max(0, Math.min(recalled.length, recallAt + step))
    fieldOf("command").value = recalled[recallAt] ?? ""
})

for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (
    document.querySelectorAll("#quick button")
))
    button.addEventListener("click", () => command(button.dataset.command ?? ""))
