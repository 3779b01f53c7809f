// Functions that the browser test runs in the page. They are one script, typed as the page's own scripts are.

/**
 * Returns the texts of the page whose contrast is less than 4.5 to 1 (WCAG 2.2, success criterion 1.4.3).
 * @returns {string[]}
 */
function poorContrasts() {
    const numbers = (/** @type {string} */ color) => (color.match(/[\d.]+/g) ?? []).map(Number)
    const brightness = (/** @type {string} */ color) => {
        const [r = 0, g = 0, b = 0] = numbers(color).map(value => {
            const part = value / 255
            return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
        })
        return 0.2126 * r + 0.7152 * g + 0.0722 * b
    }
    const ground = (/** @type {Element} */ element) => {
        for (let one = /** @type {Element | null} */ (element); one !== null; one = one.parentElement) {
            const box = one.classList.contains("node") ? one.querySelector("rect") : null
            if (box !== null) return getComputedStyle(box).fill
            const color = getComputedStyle(one).backgroundColor
            if (numbers(color)[3] !== 0) return color
        }
        return "rgb(255, 255, 255)"
    }
    const found = []
    for (const element of document.querySelectorAll("body *")) {
        const text = [...element.childNodes]
            .filter(node => node.nodeType === Node.TEXT_NODE)
            .map(node => node.textContent ?? "")
            .join("")
            .trim()
        const isHidden = element.closest("[hidden], script, noscript, .unseen, .skip, title, desc") !== null
        if (text === "" || isHidden || element.matches("option")) continue
        const style = getComputedStyle(element)
        const own = element.namespaceURI?.endsWith("svg") ? style.fill : style.color
        const [a = 0, b = 0] = [brightness(own), brightness(ground(element))].sort((x, y) => y - x)
        const ratio = (a + 0.05) / (b + 0.05)
        if (ratio < 4.5) found.push(`${text.slice(0, 40)}: ${ratio.toFixed(2)}`)
    }
    return found
}

/**
 * Returns the parts of the page that reach beyond its right edge, or "the page" if it is wider or longer than what it shows.
 * @returns {string[]}
 */
function tooWide() {
    const root = document.documentElement
    const found = [
        ...document.querySelectorAll(
            "#ladder .row:not([hidden]), .connection, #command, .condition, .slider"
        ),
    ]
        .filter(element => element.getBoundingClientRect().right > root.clientWidth + 1)
        .map(element => element.className)
    // what cannot be seen makes the page no longer, either
    const end = document.querySelector("main")?.getBoundingClientRect().bottom ?? 0
    const isLong = root.scrollHeight > end + window.scrollY + 50
    return [...found, ...(root.scrollWidth > root.clientWidth || isLong ? ["the page"] : [])]
}

/**
 * Returns what can be used, but has no name, or is not reached by the Tab key.
 * @returns {string[]}
 */
function nameless() {
    const isNamed = (/** @type {Element} */ element) => {
        const { labels } = /** @type {HTMLInputElement} */ (element)
        return (element.textContent ?? "").trim() !== "" || (labels?.length ?? 0) > 0
    }
    return [...document.querySelectorAll("button, a, input, select")]
        .filter(element => !isNamed(element) || element.getAttribute("tabindex") === "-1")
        .map(element => element.outerHTML)
}
