// The reference of what programs may use (npm run docs). Whatever is listed in src/index.ts has to have a docstring.

import { OptionDefaults } from "typedoc"

/** @type {Partial<import("typedoc").TypeDocOptions>} */
export default {
    name: "devicescript-tcp",
    entryPoints: ["src/index.ts"],
    out: ".devicescript/api",
    readme: "none",
    // the compiler's own mark
    modifierTags: [...OptionDefaults.modifierTags, "@devsWhenUsed"],
    excludeTags: ["@devsWhenUsed"],
    excludePrivate: true,
    excludeInternal: true,
    disableSources: true,
    githubPages: false,
    validation: { notExported: true, invalidLink: true, notDocumented: true },
    treatWarningsAsErrors: true,
    treatValidationWarningsAsErrors: true,
}
