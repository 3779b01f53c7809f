// Estimates the bytes of the features of src/features.ts in a program, from its sources: the code under `if (NAME)`, and the
// functions that only such code names. The estimate needs no build; featureBytes measures the exact bytes.

import ts from "typescript"
import { FEATURES, featureNames } from "../build/features"
import { type SizedDebugInfo, spansOf } from "./parts"

type Range = [from: number, to: number]

interface NamedFunction {
    name: string
    range: Range
}

/** Returns about how many bytes each feature in the program takes, the largest first. */
export function guardedBytes(image: Uint8Array, debug: SizedDebugInfo): { name: string; bytes: number }[] {
    const features = debug.sources.find(({ path }) => path === FEATURES)
    if (features === undefined) return []
    const program = new Sources(debug, featureNames(features.text))
    const spans = spansOf(image, debug)
    const found = [...program.guarded].map(([name, ranges]) => {
        const all = program.withFunctions(ranges)
        const inside = spans.filter(({ position }) => position !== undefined && isIn(position, all))
        return { name, bytes: inside.reduce((sum, { bytes }) => sum + bytes, 0) }
    })
    return found
        .filter(({ bytes }) => bytes > 0)
        .sort((a, b) => b.bytes - a.bytes || (a.name < b.name ? -1 : 1))
}

/** The parsed sources of a program, without its libraries. Positions count through all of the files. */
class Sources {
    /** By feature, the ranges that are compiled only with the feature. */
    readonly guarded: Map<string, Range[]>
    private readonly functions: NamedFunction[] = []
    /** The positions at which each name is used, without its declarations and imports. */
    private readonly uses = new Map<string, number[]>()

    constructor(debug: SizedDebugInfo, features: readonly string[]) {
        this.guarded = new Map(features.map(name => [name, []]))
        let offset = 0
        for (const { path, text, length } of debug.sources) {
            if (!path.includes("node_modules")) {
                const file = ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, false)
                this.visit(file, offset)
            }
            offset += length
        }
    }

    /** Returns these ranges, and those of functions that only code in them names. */
    withFunctions(ranges: readonly Range[]): Range[] {
        const all = [...ranges]
        const rest = new Set(this.functions)
        for (let before = -1; before !== all.length; ) {
            before = all.length
            for (const own of rest) {
                const uses = (this.uses.get(own.name) ?? []).filter(use => !isIn(use, [own.range]))
                if (uses.length === 0 || !uses.every(use => isIn(use, all))) continue
                all.push(own.range)
                rest.delete(own)
            }
        }
        return all
    }

    private visit(node: ts.Node, offset: number): void {
        if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return
        const range = (of: ts.Node): Range => [offset + of.pos, offset + of.end]
        if (ts.isFunctionDeclaration(node) && node.name !== undefined) {
            this.functions.push({ name: node.name.text, range: range(node) })
            node.forEachChild(child => {
                if (child !== node.name) this.visit(child, offset)
            })
            return
        }
        if (ts.isIfStatement(node)) {
            this.guard(
                node.expression,
                range(node.thenStatement),
                node.elseStatement && range(node.elseStatement)
            )
        } else if (ts.isConditionalExpression(node)) {
            this.guard(node.condition, range(node.whenTrue), range(node.whenFalse))
        } else if (ts.isBlock(node)) {
            this.guardRest(node, offset)
        } else if (ts.isIdentifier(node)) {
            this.uses.set(node.text, [...(this.uses.get(node.text) ?? []), offset + node.end])
        }
        node.forEachChild(child => this.visit(child, offset))
    }

    private guard(condition: ts.Expression, yes: Range, no: Range | undefined): void {
        const range = isNot(condition) ? no : yes
        const name = ts.isPrefixUnaryExpression(condition) ? condition.operand : leading(condition)
        if (range !== undefined && ts.isIdentifier(name)) this.guarded.get(name.text)?.push(range)
    }

    /** Adds the code after `if (!NAME) return` in a block, which is compiled only with the feature. */
    private guardRest(block: ts.Block, offset: number): void {
        for (const statement of block.statements) {
            if (!ts.isIfStatement(statement) || !isNot(statement.expression)) continue
            const { thenStatement } = statement
            const last = ts.isBlock(thenStatement) ? thenStatement.statements.at(-1) : thenStatement
            if (last === undefined || !(ts.isReturnStatement(last) || ts.isThrowStatement(last))) continue
            const rest: Range = [offset + statement.end, offset + block.end]
            this.guard(statement.expression, rest, rest)
        }
    }
}

/** Returns NAME of `NAME ? condition : false`, the form that stands for `NAME && condition`, which the compiler does not fold. */
function leading(condition: ts.Expression): ts.Expression {
    if (ts.isParenthesizedExpression(condition)) return leading(condition.expression)
    if (!ts.isConditionalExpression(condition)) return condition
    const { whenFalse } = condition
    const never =
        whenFalse.kind === ts.SyntaxKind.FalseKeyword ||
        (ts.isNumericLiteral(whenFalse) && whenFalse.text === "0")
    return never ? condition.condition : condition
}

function isNot(condition: ts.Expression): boolean {
    return ts.isPrefixUnaryExpression(condition) && condition.operator === ts.SyntaxKind.ExclamationToken
}

function isIn(position: number, ranges: readonly Range[]): boolean {
    return ranges.some(([from, to]) => position >= from && position <= to)
}
