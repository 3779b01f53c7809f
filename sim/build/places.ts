// Finds the folders that the simulator works in: this package's, the user's project, and DeviceScript's command line tool.

import { existsSync, readFileSync, realpathSync } from "node:fs"
import { createRequire } from "node:module"
import { basename, dirname, join, relative } from "node:path"
import { fileURLToPath } from "node:url"

/** The file that every DeviceScript project has in its folder. */
const PROJECT_FILE = "devsconfig.json"

/** The folder of this package, with a slash at its end: a checkout, or a folder in the node_modules of a project. */
export const PACKAGE = folderWith("package.json", dirname(fileURLToPath(import.meta.url))) ?? ""

/** The folder of the project that this process works on, with a slash at its end: the nearest DeviceScript project, or else this package itself. */
export const ROOT = folderWith(PROJECT_FILE, process.cwd()) ?? PACKAGE

/** The process works on another project than this package. */
export const INSTALLED = ROOT !== PACKAGE

/** Returns whether this package is in the node_modules of a project, as npm installs it. */
export function isInstalled(): boolean {
    return basename(dirname(PACKAGE)) === "node_modules"
}

/** The path of this package in a project that has installed it, as the compiler sees it. */
const PLACE = "node_modules/devicescript-tcp/"

/** Returns the path in the project of a file of this package. */
export function ofPackage(path: string): string {
    return INSTALLED ? `${PLACE}${path}` : path
}

/** Returns where a file is that has this path in the project. A package manager may keep the package itself elsewhere. */
export function locate(path: string): string {
    return INSTALLED && path.startsWith(PLACE) ? join(PACKAGE, path.slice(PLACE.length)) : join(ROOT, path)
}

/** Returns the path in the project of a file anywhere: the reverse of `locate`. */
export function projectPath(file: string): string {
    const own = slashes(relative(PACKAGE, file))
    return INSTALLED && isInside(own) ? `${PLACE}${own}` : slashes(relative(ROOT, file))
}

/** Returns whether a relative path leads to a file below the folder that it starts from. */
export function isInside(path: string): boolean {
    return !path.startsWith("..") && !/^([A-Za-z]:)?[\\/]/.test(path)
}

/** DeviceScript's command line tool, as it is installed. */
export interface CommandLineTool {
    readonly folder: string
    readonly version: string
}

/** Returns DeviceScript's command line tool of the project, or the one beside this package; undefined when neither has one. */
export function commandLineTool(): CommandLineTool | undefined {
    for (const folder of [ROOT, PACKAGE]) {
        try {
            const manifest = createRequire(join(folder, "package.json")).resolve(
                "@devicescript/cli/package.json"
            )
            const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version: string }
            return { folder: dirname(manifest), version }
        } catch {
            // it may be installed beside the package
        }
    }
    return undefined
}

/** The advice in messages about a missing or changed command line tool. */
export const INSTALL = INSTALLED ? "npm install --save-dev @devicescript/cli@2.16.4" : "npm ci"

/** Returns the nearest folder, from `start` upward, that has a file of this name; its real path. */
function folderWith(name: string, start: string): string | undefined {
    for (let folder = start; ; folder = dirname(folder)) {
        if (existsSync(join(folder, name))) return join(realpathSync(folder), "/")
        if (folder === dirname(folder)) return undefined
    }
}

function slashes(path: string): string {
    return path.replaceAll("\\", "/")
}
