// The console: the commands of the terminal's console, and what they print.

/** The most lines that are shown, as many as the simulator keeps, and the commands that the arrow keys recall. */
const MOST_LINES = 800
const MOST_RECALLED = 100

/** The number of the last line that was shown. */
let lastLine = 0
/** @type {string[]} */
const recalled = []
let recallAt = 0
/** @type {CommandsView["commands"]} */
let known = []
/** True after a Tab that completed nothing: the next one leaves the field. */
let isStuck = false

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

/**
 * @param {CommandsView} message
 */
function takeCommands({ commands }) {
    known = commands
}

/** Says how the command that is being typed is used. */
function showUsage() {
    const [name = ""] = fieldOf("command").value.trimStart().split(" ")
    const found = known.find(one => one.name === name)
    setText(byId("usage"), found === undefined ? "" : `${found.usage}: ${found.does}`)
}

/** Completes the last word of the command, as far as it is certain; lists the words that it can become. */
async function completeWord() {
    const field = fieldOf("command")
    const line = field.value
    const query = new URLSearchParams({ line, device: String(shown.device) })
    const response = await fetch(`/complete?${query}`).catch(() => undefined)
    if (!response?.ok || field.value !== line) return
    const { words, last } = /** @type {CompletionView} */ (await response.json())
    let common = words[0] ?? ""
    for (const word of words) while (!word.startsWith(common)) common = common.slice(0, -1)
    isStuck = common.length <= last.length
    if (!isStuck) field.value = line.slice(0, line.length - last.length) + common
    if (words.length === 1) showUsage()
    else setText(byId("usage"), words.length === 0 ? "Nothing completes this word." : words.join("  "))
}

byId("command").addEventListener("input", () => {
    isStuck = false
    showUsage()
})

byId("command").addEventListener("keydown", event => {
    const isTab = event.key === "Tab" && !event.shiftKey
    if (isTab && !isStuck && fieldOf("command").value.trim() !== "") {
        event.preventDefault()
        void completeWord()
        return
    }
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
