// The reference of what programs may use (npm run docs). Whatever is listed in src/index.ts has to have a docstring.

import { OptionDefaults } from "typedoc"

/** @type {Partial<import("typedoc").TypeDocOptions>} */
export default {
    name: "devicescript-tcp",
    entryPoints: [
        "src/index.ts",
        "src/mac/wifi.ts",
        "src/mac/wifi-scan.ts",
        "src/socket/wifi-settings.ts",
        "src/socket/network-settings.ts",
    ],
    out: ".devicescript/api",
    readme: "none",
    // the compiler's own mark
    modifierTags: [...OptionDefaults.modifierTags, "@devsWhenUsed"],
    excludeTags: ["@devsWhenUsed"],
    // types of the runtime, of the package that is carried, and of what programs only pass on
    intentionallyNotExported: [
        "sim/node/buffer.ts:Buffer",
        "sim/node/core.ts:Emitter",
        "sim/node/core.ts:InputPin",
        "sim/node/core.ts:OutputPin",
        "sim/node/net.d.ts:Response",
        "sim/node/net.d.ts:Socket",
        "src/net/stack.ts:Stack",
        "src/socket/driver-loop.ts:Worker",
    ],
    excludePrivate: true,
    excludeProtected: true,
    excludeInternal: true,
    disableSources: true,
    // `npm run typecheck` does
    skipErrorChecking: true,
    githubPages: false,
    validation: { notExported: true, invalidLink: true, notDocumented: true },
    treatWarningsAsErrors: true,
    treatValidationWarningsAsErrors: true,
}
