// Makes the folder in which the compiler runs: links to the project's files, and the files that a build replaces.

import { readdirSync } from "node:fs"
import { copyFile, cp, mkdir, symlink, writeFile } from "node:fs/promises"
import { basename, dirname, join } from "node:path"
import { INSTALLED, ofPackage, PACKAGE, ROOT } from "./places"

/** Texts with which a build replaces files, by the files' paths in the project. */
export type Replaced = ReadonlyMap<string, string>

const MODULES = "node_modules"
/** The parts of this package that programs are compiled from. */
const SOURCES = ["package.json", "src", "boards"]

/** Fills an empty folder for the compiler. `libraries` is the folder of DeviceScript's libraries. */
export async function fillWorkFolder(work: string, replaced: Replaced, libraries: string): Promise<void> {
    const paths = [...replaced.keys()].filter(path => !INSTALLED || !path.startsWith(ofPackage("")))
    const folders = [...new Set(paths.map(path => dirname(path)))]
    const made = INSTALLED ? [...folders, MODULES] : folders
    await linkAll(ROOT, work, [".git", ".devicescript", ...made])
    for (const folder of folders) {
        await mkdir(join(work, folder))
        const own = paths.filter(path => dirname(path) === folder).map(path => basename(path))
        await linkAll(join(ROOT, folder), join(work, folder), own)
    }
    if (INSTALLED) await copyPackage(join(work, MODULES), libraries)
    for (const [path, text] of replaced) await writeFile(join(work, path), text)
}

/**
 * Makes the node_modules of an installed package. This package is copied, as the compiler follows a link to the file itself, which
 * is not the one that the build replaces.
 */
async function copyPackage(modules: string, libraries: string): Promise<void> {
    await mkdir(modules)
    await linkAll(join(ROOT, MODULES), modules, ["@devicescript", "devicescript-tcp", ".bin", ".cache"])
    await link(libraries, join(modules, "@devicescript"), true)
    const own = join(modules, "devicescript-tcp")
    await mkdir(own)
    for (const name of SOURCES) await cp(join(PACKAGE, name), join(own, name), { recursive: true })
}

/** Links the files and folders of a folder, if there is one, into another folder, except some names. */
async function linkAll(from: string, to: string, except: readonly string[]): Promise<void> {
    for (const entry of entriesOf(from)) {
        if (except.includes(entry.name)) continue
        await link(join(from, entry.name), join(to, entry.name), entry.isDirectory())
    }
}

function entriesOf(folder: string) {
    try {
        return readdirSync(folder, { withFileTypes: true })
    } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return []
        throw error
    }
}

/** Makes a link to a file or folder. On Windows only links to folders need no privilege, so files are copied there. */
async function link(target: string, path: string, folder: boolean): Promise<void> {
    if (process.platform === "win32" && !folder) await copyFile(target, path)
    else await symlink(target, path, "junction")
}
