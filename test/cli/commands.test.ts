import { expect, test } from "vitest"
import { splitCommands } from "../../sim/options/commands"
import { OptionError } from "../../sim/options/error"

test.each<[string, string[]]>([
    ["help", ["help"]],
    ["a; b ;c", ["a", "b", "c"]],
    ["a;;b;", ["a", "b"]],
    ["", []],
    ["send 3 a\\;b; read 3", ["send 3 a;b", "read 3"]],
    ['send 3 "a; b"; read 3', ['send 3 "a; b"', "read 3"]],
    ["send 3 'a; b'; read 3", ["send 3 'a; b'", "read 3"]],
    ["send 3 it's; read 3", ["send 3 it's", "read 3"]],
    ["send 3 a\\\\; read 3", ["send 3 a\\\\", "read 3"]],
    ['send 3 "a\\"; b"; read 3', ['send 3 "a\\"; b"', "read 3"]],
    ["send 3 a\\n; read 3", ["send 3 a\\n", "read 3"]],
    ["a\\", ["a\\"]],
])("splitCommands(%j) returns %j", (text, commands) => {
    expect(splitCommands(text)).toEqual(commands)
})

test("splitCommands() refuses a quote that is not closed", () => {
    expect(() => splitCommands('send 3 "a; read 3')).toThrow(OptionError)
})
