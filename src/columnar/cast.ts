/**
 * Casts between types: which there are, and code that does them column by column.
 *
 * No cast loses anything: a value without a counterpart is refused, with its row. See the rules in cast-*.ts.
 */
import { exactRule } from './cast-exact.ts'
import { floatRule } from './cast-floats.ts'
import { listRule } from './cast-list.ts'
import { copyColumn, type CastPlan, type Kernel, type Rule } from './cast-rule.ts'
import { textRule } from './cast-text.ts'
import { timeRule } from './cast-time.ts'
import { columnarErrors } from './errors.ts'
import * as types from './types.ts'

function ruleOf(from: types.Type, to: types.Type): Rule | undefined {
  if (types.sameType(from, to)) return { kind: 'same', compile: () => copyColumn }
  return exactRule(from, to) ?? floatRule(from, to) ?? timeRule(from, to) ?? listRule(from, to, ruleOf) ?? textRule(from, to)
}

/** How values of one type become values of the other; undefined when there is no way that is exact or as good as exact. */
export function planCast(from: types.Type, to: types.Type): CastPlan | undefined {
  const rule = ruleOf(from, to)
  return rule && { kind: rule.kind, ...(rule.note === undefined ? {} : { note: rule.note }) }
}

/**
 * The code of a cast that {@link planCast} knows: casts the first rows of a column into another one, which it empties first.
 * It returns -1, or the first row whose value does not fit. Compile once per column, not per batch.
 */
export function compileCast(from: types.Type, to: types.Type): Kernel {
  const rule = ruleOf(from, to)
  if (rule === undefined) throw columnarErrors.noCast({ from: types.typeName(from), to: types.typeName(to) })
  return rule.compile()
}

/** One cell of the table of casts. `from` and `to` are type names. */
export interface CastCell extends CastPlan {
  readonly from: string
  readonly to: string
}

/** Every cast between the types of the documentation; one decimal and one list stand for all of them. */
export function castMatrix(): CastCell[] {
  return DOCUMENTED.flatMap(from =>
    DOCUMENTED.flatMap(to => {
      const plan = planCast(from, to)
      return plan === undefined ? [] : [{ from: types.typeName(from), to: types.typeName(to), ...plan }]
    }),
  )
}

const { int, float, timestamp } = types
const DOCUMENTED: readonly types.Type[] = [
  types.bool,
  ...([8, 16, 32, 64] as const).flatMap(bits => [int(bits), int(bits, false)]),
  float(32),
  float(64),
  types.decimalType(12, 2),
  types.numeric,
  types.utf8,
  types.json,
  types.binary,
  types.uuid,
  types.date,
  types.time,
  types.duration,
  timestamp(false),
  timestamp(true),
  types.interval,
  types.list(types.utf8),
]
