import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { explainRefusal } from './cast-refusal.ts'
import { castMatrix, compileCast, planCast } from './cast.ts'
import { Column } from './column.ts'
import { sameType, parseTypeName, typeName, type Type } from './types.ts'
import type { Value } from './value.ts'
import { columnOf, intRange, someTypes, valuesIn, valuesOf } from './values.test-support.ts'

const typed = (name: string) => parseTypeName(name) ?? assert.fail(name)
const REFUSED = Symbol('refused')

/** The value after the cast. It stands between NULLs, in a column that has held other rows before. */
function castOne(from: Type, to: Type, value: Value): Value | typeof REFUSED {
  const target = targets.get(typeName(to)) ?? new Column(to, 4)
  targets.set(typeName(to), target)
  const refused = compiled(from, to)(columnOf(from, [null, value, null]), 3, target)
  if (refused !== -1) {
    assert.equal(refused, 1)
    return REFUSED
  }
  assert.equal(target.nulls, value === null ? 3 : 2)
  const [before, result = assert.fail(), after] = valuesIn(target, 3)
  assert.deepEqual([before, after], [null, null])
  return result
}

const targets = new Map<string, Column>()
const kernels = new Map<string, ReturnType<typeof compileCast>>()

function compiled(from: Type, to: Type) {
  const key = `${typeName(from)} ${typeName(to)}`
  const kernel = kernels.get(key) ?? compileCast(from, to)
  kernels.set(key, kernel)
  return kernel
}

const pairs = someTypes.flatMap(from =>
  someTypes.map(to => ({ from, to, plan: planCast(from, to), name: `${typeName(from)} → ${typeName(to)}` })),
)

test('what can be planned can be compiled, and nothing else', () => {
  for (const { from, to, plan } of pairs) {
    if (plan === undefined) assert.throws(() => compileCast(from, to), { code: 'columnar.no-cast' })
    else compileCast(from, to)
    assert.equal(plan?.kind === 'same', sameType(from, to))
  }
})

test('a lossless cast refuses nothing, and what a cast makes comes back as it was', () => {
  for (const { from, to, plan, name } of pairs) {
    if (plan === undefined) continue
    // Many texts mean the same value; only one of them comes back.
    const isReversible =
      planCast(to, from) !== undefined && (from.kind !== 'utf8' || to.kind === 'binary') && from.kind !== 'json'
    fc.assert(
      fc.property(valuesOf(from), value => {
        const there = castOne(from, to, value)
        if (there === REFUSED) return assert.equal(plan.kind, 'checked', name)
        if (isReversible) assertSame(castOne(to, from, there), value, `${name}: ${String(value)} by way of ${String(there)}`)
      }),
      { numRuns: 20 },
    )
  }
})

/** The same value; numbers may differ in the zeros at their end and in the sign of 0, dates never. */
function assertSame(actual: Value | typeof REFUSED, expected: Value, message: string): void {
  const exact = (value: unknown) => exactOf(value as Value)
  if (exact(expected) !== undefined && actual !== REFUSED) assert.deepEqual(exact(actual), exact(expected), message)
  else assert.deepEqual(actual, expected, message)
}

/** A number as an integer and the power of ten below it, without zeros at the end; undefined for anything that is not a finite number. */
function exactOf(value: Value): { unscaled: bigint; power: number } | undefined {
  if (typeof value === 'boolean') return exactOf(value ? 1 : 0)
  if (typeof value !== 'number' && typeof value !== 'bigint' && typeof value !== 'string') return undefined
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(String(value))
  if (!match) return undefined
  const [, sign, whole = '', fraction = '', power = '0'] = match
  const digits = `${whole}${fraction}`.replace(/0+$/, '')
  if (/^0*$/.test(digits)) return { unscaled: 0n, power: 0 }
  return {
    unscaled: BigInt(`${sign}${digits}`),
    power: Number(power) - fraction.length + whole.length + fraction.length - digits.length,
  }
}

/** What a number type holds of an exact number, in BigInt arithmetic: the reference for all casts between them. */
function held(to: Type, value: Value): boolean {
  const exact = exactOf(value)
  if (exact === undefined) return String(value) === 'NaN' ? to.kind === 'decimal' || to.kind === 'numeric' : to.kind === 'numeric'
  const at = (scale: number) => (exact.power + scale < 0 ? undefined : exact.unscaled * 10n ** BigInt(exact.power + scale))
  switch (to.kind) {
    case 'bool':
      return at(0) === 0n || at(0) === 1n
    case 'int': {
      const [min, max] = intRange(to.bits, to.signed)
      const int = at(0)
      return int !== undefined && int >= min && int <= max
    }
    case 'decimal': {
      const unscaled = at(to.scale)
      const limit = 10n ** BigInt(to.precision)
      return unscaled !== undefined && unscaled < limit && unscaled > -limit
    }
    default:
      return true
  }
}

const exactKinds = new Set(['bool', 'int', 'decimal', 'numeric'])

test('casts between exact numbers hold what BigInt arithmetic says they can hold', () => {
  for (const { from, to, name } of pairs) {
    if (!exactKinds.has(from.kind) || !exactKinds.has(to.kind)) continue
    fc.assert(
      fc.property(fc.oneof(valuesOf(from), smallValuesOf(from)), value => {
        const result = castOne(from, to, value)
        assert.equal(result !== REFUSED, held(to, value), `${name}: ${String(value)}`)
        if (result !== REFUSED && exactOf(value)) assert.deepEqual(exactOf(result), exactOf(value), name)
      }),
      { numRuns: 40 },
    )
  }
})

/** Values that have a chance to fit elsewhere. */
function smallValuesOf(type: Type): fc.Arbitrary<Value> {
  const small = fc.integer({ min: -300, max: 300 })
  switch (type.kind) {
    case 'int': {
      const [min, max] = intRange(type.bits, type.signed)
      return small
        .map(BigInt)
        .filter(value => value >= min && value <= max)
        .map(value => (type.bits === 64 ? value : Number(value)))
    }
    case 'decimal': {
      if (type.precision - type.scale < 3) return valuesOf(type)
      return fc
        .tuple(small, fc.constantFrom('0', '5', '25'))
        .map(([whole, fraction]) =>
          type.scale === 0 ? `${whole}` : `${whole}.${fraction.slice(0, type.scale).padEnd(type.scale, '0')}`,
        )
    }
    case 'numeric':
      return fc.tuple(small, fc.constantFrom('', '.0', '.000', '.5', '.25')).map(([whole, fraction]) => `${whole}${fraction}`)
    default:
      return valuesOf(type)
  }
}

test('an int becomes a float exactly when the float is that int', () => {
  for (const bits of [32, 64] as const) {
    for (const from of someTypes.filter(type => type.kind === 'int')) {
      fc.assert(
        fc.property(
          fc.oneof(
            valuesOf(from),
            valuesOf(from).map(value => (typeof value === 'bigint' ? (value >> 20n) << 20n : value)),
          ),
          value => {
            const nearest = bits === 32 ? Math.fround(Number(value)) : Number(value)
            const result = castOne(from, { kind: 'float', bits }, value)
            assert.deepEqual(result, BigInt(nearest) === BigInt(value as bigint) ? nearest : REFUSED)
          },
        ),
      )
    }
  }
})

const cases: readonly (readonly [from: string, to: string, value: Value, result: Value | typeof REFUSED])[] = [
  ['float64', 'int32', 2147483647, 2147483647],
  ['float64', 'int32', 2147483648, REFUSED],
  ['float64', 'int32', 0.5, REFUSED],
  ['float64', 'int32', NaN, REFUSED],
  ['float64', 'int32', Infinity, REFUSED],
  ['float64', 'int64', 2 ** 63, REFUSED],
  ['float64', 'int64', -(2 ** 63), -(2n ** 63n)],
  ['float64', 'int64', -1e-300, REFUSED],
  ['float64', 'int64', -Infinity, REFUSED],
  ['float64', 'int64', NaN, REFUSED],
  ['float64', 'uint64', 2 ** 64, REFUSED],
  ['float64', 'uint64', 2 ** 63, 2n ** 63n],
  ['float64', 'uint64', -1, REFUSED],
  ['float64', 'bool', 1, true],
  ['float64', 'bool', 0.5, REFUSED],
  ['float64', 'float32', 0.5, 0.5],
  ['float64', 'float32', 0.1, REFUSED],
  ['float64', 'float32', NaN, NaN],
  ['float64', 'float32', -Infinity, -Infinity],
  ['float64', 'float32', 1e300, REFUSED],
  ['float64', 'decimal(12,2)', 12.34, '12.34'],
  ['float64', 'decimal(12,2)', 0.1 + 0.2, REFUSED],
  ['float64', 'decimal(12,2)', 1e10, REFUSED],
  ['float64', 'decimal(12,2)', 9_999_999_999.99, '9999999999.99'],
  ['float64', 'decimal(12,2)', NaN, 'NaN'],
  ['float64', 'decimal(12,2)', Infinity, REFUSED],
  ['float64', 'decimal(38,18)', 0.30000000000000004, '0.300000000000000040'],
  ['float64', 'decimal(38,0)', 1e21, '1000000000000000000000'],
  ['float64', 'decimal(38,30)', 1e-7, `0.0000001${'0'.repeat(23)}`],
  ['float32', 'decimal(12,2)', Math.fround(0.1), '0.10'],
  ['float64', 'numeric', 1e21, '1000000000000000000000'],
  ['float64', 'numeric', 1.5e-10, '0.00000000015'],
  ['float64', 'numeric', -0, '0'],
  ['float64', 'numeric', -Infinity, '-Infinity'],
  ['float32', 'numeric', Math.fround(0.1), '0.1'],
  ['decimal(12,2)', 'float64', '0.10', 0.1],
  ['decimal(12,2)', 'float64', 'NaN', NaN],
  ['decimal(18,0)', 'float64', '123456789012345678', REFUSED],
  ['decimal(18,0)', 'float64', '123456789012345680', 123456789012345680],
  ['decimal(38,0)', 'float64', String(2n ** 100n), 2 ** 100],
  ['decimal(38,18)', 'float64', '0.300000000000000040', 0.1 + 0.2],
  ['decimal(38,18)', 'float64', '0.300000000000000010', REFUSED],
  ['decimal(38,38)', 'float32', `0.${'1'.padStart(38, '0')}`, Math.fround(1e-38)],
  ['numeric', 'float64', '0.1', 0.1],
  ['numeric', 'float64', '0.10000000000000000000', 0.1],
  ['numeric', 'float64', '0.1000000000000000055511151231257827', REFUSED],
  ['numeric', 'float64', '0.1000000000000000055511151231257827021181583404541015625', REFUSED],
  ['numeric', 'float64', '1152921504606846976', 2 ** 60],
  ['numeric', 'float64', '1152921504606847000', REFUSED],
  ['numeric', 'float64', `1${'0'.repeat(300)}`, REFUSED],
  ['numeric', 'float32', '10000000000', 1e10],
  ['numeric', 'float32', '100000000000', REFUSED],
  ['uint64', 'int32', 2n ** 32n - 1n, REFUSED],
  ['uint64', 'int8', 2n ** 32n - 1n, REFUSED],
  ['int64', 'uint32', 2n ** 32n - 1n, 2 ** 32 - 1],
  ['float64', 'numeric', 2 ** 60, '1152921504606846976'],
  ['float64', 'decimal(38,0)', 2 ** 60, '1152921504606846976'],
  ['float64', 'numeric', Number.MAX_VALUE, String(BigInt(Number.MAX_VALUE))],
  ['float32', 'numeric', 2 ** 30 + 128, '1073741952'],
  ['numeric', 'float64', `1${'0'.repeat(400)}`, REFUSED],
  ['numeric', 'float32', '16777217', REFUSED],
  ['numeric', 'float64', 'Infinity', Infinity],
  ['numeric', 'decimal(5,2)', 'Infinity', REFUSED],
  ['numeric', 'decimal(5,2)', 'NaN', 'NaN'],
  ['numeric', 'int8', '127.000', 127],
  ['bool', 'utf8', true, 'true'],
  ['bool', 'decimal(1,1)', true, REFUSED],
  ['bool', 'decimal(1,1)', false, '0.0'],
  ['int64', 'utf8', -(2n ** 63n), '-9223372036854775808'],
  ['float32', 'utf8', Math.fround(0.1), '0.1'],
  ['decimal(12,2)', 'utf8', '-0.05', '-0.05'],
  ['utf8', 'int32', '', REFUSED],
  ['utf8', 'float64', '0.1', 0.1],
  ['utf8', 'float64', '1e999', REFUSED],
  ['utf8', 'bool', 'yes', true],
  ['utf8', 'bool', 'ja', REFUSED],
  ['utf8', 'json', '{"a":1}', '{"a":1}'],
  ['utf8', 'json', '{a:1}', REFUSED],
  ['utf8', 'binary', 'ä', Uint8Array.of(0xc3, 0xa4)],
  ['binary', 'utf8', Uint8Array.of(0xc3, 0xa4), 'ä'],
  ['binary', 'utf8', Uint8Array.of(0xc3), REFUSED],
  ['binary', 'utf8', Uint8Array.of(0xa4), REFUSED],
  ['binary', 'utf8', Uint8Array.of(0xed, 0xa0, 0x80), REFUSED],
  ['binary', 'json', Buffer.from('[1]'), '[1]'],
  ['binary', 'json', Buffer.from('[1'), REFUSED],
  ['binary', 'json', Uint8Array.of(0x22, 0xff, 0x22), REFUSED],
  ['binary', 'uuid', new Uint8Array(16).fill(0xab), 'abababab-abab-abab-abab-abababababab'],
  ['binary', 'uuid', new Uint8Array(15), REFUSED],
  ['uuid', 'binary', 'abababab-abab-abab-abab-abababababab', new Uint8Array(16).fill(0xab)],
  ['uuid', 'utf8', 'ABABABAB-abab-abab-abab-abababababab', 'abababab-abab-abab-abab-abababababab'],
  ['date', 'timestamp', '2024-02-29', '2024-02-29 00:00:00'],
  ['date', 'timestamp', '4714-11-24 BC', '4714-11-24 00:00:00 BC'],
  ['date', 'timestamp', '294276-12-31', '294276-12-31 00:00:00'],
  ['date', 'timestamp', '294277-01-01', REFUSED],
  ['date', 'timestamp', '5874897-12-31', REFUSED],
  ['date', 'timestamptz', 'infinity', 'infinity'],
  ['date', 'timestamp', '-infinity', '-infinity'],
  ['timestamp', 'date', '1969-12-31 00:00:00', '1969-12-31'],
  ['timestamp', 'date', '1969-12-31 23:59:59.999999', REFUSED],
  ['timestamp', 'date', '294276-12-31 00:00:00', '294276-12-31'],
  ['timestamp', 'date', '1970-01-01 00:00:00.000001', REFUSED],
  ['timestamptz', 'date', '-infinity', '-infinity'],
  ['timestamp', 'timestamptz', '2024-02-29 12:00:00', '2024-02-29 12:00:00Z'],
  ['timestamptz', 'timestamp', 'infinity', 'infinity'],
  ['time', 'duration', '24:00:00', 86_400_000_000n],
  ['duration', 'time', 86_400_000_000n, '24:00:00'],
  ['duration', 'time', 86_400_000_001n, REFUSED],
  ['duration', 'time', -1n, REFUSED],
  ['duration', 'utf8', -3_020_399_000_000n, '-838:59:59'],
  ['duration', 'interval', -1n, { months: 0, days: 0, micros: -1n }],
  ['interval', 'duration', { months: 0, days: 0, micros: 5n }, 5n],
  ['interval', 'duration', { months: 0, days: 1, micros: 5n }, REFUSED],
  ['interval', 'duration', { months: -1, days: 0, micros: 5n }, REFUSED],
  ['interval', 'utf8', { months: 14, days: -3, micros: 1n }, 'P1Y2M-3DT0.000001S'],
  ['list<int32>', 'list<int64>', [1, null, -2], [1n, null, -2n]],
  ['list<int32>', 'list<uint8>', [1, null, -2], REFUSED],
  ['list<utf8>', 'json', ['a"\n\u0001', null, ''], '["a\\"\\n\\u0001",null,""]'],
  ['list<float64>', 'utf8', [1.5, NaN, -Infinity, 1e300], '[1.5,"NaN","-Infinity",1e+300]'],
  ['list<list<bool>>', 'json', [[true], [], null], '[[true],[],null]'],
  ['list<json>', 'json', ['{"a":[]}', null], '[{"a":[]},null]'],
  ['list<date>', 'json', ['2024-02-29', '0044-03-15 BC'], '["2024-02-29","0044-03-15 BC"]'],
  ['json', 'list<int32>', ' [ 1 , null,\n-2 ] ', [1, null, -2]],
  ['json', 'list<int32>', '[]', []],
  ['json', 'list<int32>', '["7"]', [7]],
  ['json', 'list<int32>', '[1.5]', REFUSED],
  ['json', 'list<int32>', '[[1]]', REFUSED],
  ['json', 'list<int32>', '{}', REFUSED],
  ['json', 'list<int32>', 'null', REFUSED],
  ['json', 'list<utf8>', '["\\ud83d\\ude00 \\u00e4\\/\\t"]', ['😀 ä/\t']],
  ['json', 'list<utf8>', '["\\ud83d"]', REFUSED],
  ['json', 'list<utf8>', '[1]', REFUSED],
  ['json', 'list<json>', '[{"a":[1, 2]}, "x"]', ['{"a":[1, 2]}', '"x"']],
  ['json', 'list<list<int8>>', '[[1,2],[],null]', [[1, 2], [], null]],
  ['utf8', 'list<int32>', '[1', REFUSED],
  ['utf8', 'list<int32>', '[1] 2', REFUSED],
]

for (const [from, to, value, result] of cases) {
  test(`${from} → ${to}: ${JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? `${part}` : part))}`, () => {
    assert.deepEqual(castOne(typed(from), typed(to), value), result)
  })
}

test('some pairs have no cast', () => {
  for (const [from, to] of [
    ['int64', 'timestamp'],
    ['timestamp', 'time'],
    ['date', 'int32'],
    ['int32', 'binary'],
    ['int32', 'json'],
    ['utf8', 'list<binary>'],
    ['list<binary>', 'utf8'],
    ['list<int32>', 'int32'],
    ['interval', 'time'],
    ['uuid', 'json'],
    ['binary', 'int64'],
  ] as const) {
    assert.equal(planCast(typed(from), typed(to)), undefined, `${from} → ${to}`)
  }
})

test('a cast that is right only by a convention says so', () => {
  assert.deepEqual(planCast(typed('timestamptz'), typed('timestamp')), { kind: 'checked', note: 'taken as UTC' })
  assert.deepEqual(planCast(typed('int32'), typed('int64')), { kind: 'lossless' })
  assert.deepEqual(planCast(typed('decimal(12,2)'), typed('decimal(12,2)')), { kind: 'same' })
  assert.deepEqual(planCast(typed('decimal(12,2)'), typed('decimal(13,3)')), { kind: 'lossless' })
  assert.deepEqual(planCast(typed('decimal(12,2)'), typed('decimal(12,3)')), { kind: 'checked' })
  assert.deepEqual(planCast(typed('uint64'), typed('decimal(20,0)')), { kind: 'lossless' })
  assert.deepEqual(planCast(typed('uint64'), typed('decimal(19,0)')), { kind: 'checked' })
})

test('the table of casts names every pair once, with types that can be parsed', () => {
  const cells = castMatrix()
  assert.equal(new Set(cells.map(({ from, to }) => `${from} ${to}`)).size, cells.length)
  for (const { from, to } of cells) assert(parseTypeName(from) && parseTypeName(to))
  assert(cells.some(({ from, to, kind }) => from === 'int64' && to === 'int32' && kind === 'checked'))
})

test('the first row that does not fit is found behind thousands that do, in every layout', () => {
  const values = Array.from({ length: 3000 }, (_, i) => (i % 7 === 0 ? null : i === 2500 || i === 2700 ? '128' : String(i % 100)))
  for (const to of ['int8', 'decimal(2,0)', 'uint8'].map(typed)) {
    const expected = to.kind === 'int' && !to.signed ? -1 : 2500
    for (const middle of ['utf8', 'numeric', 'int16', 'int64', 'float64', 'decimal(18,0)', 'decimal(38,2)'].map(typed)) {
      const source = new Column(middle, values.length)
      assert.equal(compileCast(typed('utf8'), middle)(columnOf(typed('utf8'), values), values.length, source), -1)
      assert.equal(
        compileCast(middle, to)(source, values.length, new Column(to, 8)),
        expected,
        `${typeName(middle)} → ${typeName(to)}`,
      )
    }
  }
})

test('bytes that are text only together are not text', () => {
  const source = columnOf(typed('binary'), [Uint8Array.of(0x61), null, Uint8Array.of(0xc3), Uint8Array.of(0xa4)])
  assert.equal(compileCast(source.type, typed('utf8'))(source, 4, new Column(typed('utf8'), 4)), 2)
})

test('a list that does not fit is found by its row', () => {
  const source = columnOf(typed('list<int32>'), [[1], null, [], [2, 3], [4, 300]])
  assert.equal(compileCast(source.type, typed('list<int8>'))(source, 5, new Column(typed('list<int8>'), 5)), 4)
})

const reasons: readonly (readonly [from: string, to: string, value: Value, reason: string])[] = [
  ['int64', 'int32', 2n ** 40n, 'the value is outside int32'],
  ['float64', 'int32', 0.5, 'the value has digits behind the point, which int32 does not have'],
  ['float64', 'int32', NaN, 'the value is NaN, which int32 does not have'],
  ['numeric', 'decimal(5,2)', '-Infinity', 'the value is infinite, which decimal(5,2) does not have'],
  ['numeric', 'decimal(5,2)', '1.234', 'the value has more than 2 digits behind the point'],
  ['numeric', 'decimal(5,2)', '1234.00', 'the value is outside decimal(5,2)'],
  ['float64', 'decimal(5,2)', 1e-7, 'the value has more than 2 digits behind the point'],
  ['float64', 'decimal(5,2)', 1e21, 'the value is outside decimal(5,2)'],
  ['int8', 'bool', 2, 'the value is neither 0 nor 1'],
  ['int64', 'float64', 2n ** 53n + 1n, 'the value has more digits than float64 holds, or is outside it'],
  ['utf8', 'int32', 'abc', 'the text is not a number'],
  ['utf8', 'int32', '99999999999', 'the value is outside int32'],
  ['utf8', 'decimal(5,2)', 'inf', 'the text is not a number'],
  ['utf8', 'json', '{', 'the text is not well-formed JSON'],
  ['utf8', 'uuid', 'x', 'the text is not a uuid'],
  ['utf8', 'interval', 'x', 'the text is not an interval'],
  ['utf8', 'date', 'x', 'the text is not a date, or is outside date'],
  ['utf8', 'timestamp', 'x', 'the text is not a timestamp that timestamp can hold'],
  ['utf8', 'float64', 'x', 'the text is not a number'],
  ['utf8', 'bool', 'x', 'the text is neither true nor false'],
  ['utf8', 'time', 'x', 'the text is not a time of day'],
  ['utf8', 'duration', 'x', 'the text is not a duration'],
  ['json', 'list<int32>', '{}', 'the text is not a JSON array whose items fit list<int32>'],
  ['binary', 'utf8', Uint8Array.of(0xff), 'the bytes are not UTF-8 text'],
  ['binary', 'json', Uint8Array.of(0xff), 'the bytes are not well-formed JSON'],
  ['binary', 'uuid', Uint8Array.of(0xff), 'the value does not have 16 bytes'],
  ['date', 'timestamp', '5874897-12-31', 'the date is outside timestamp'],
  ['timestamp', 'date', '2024-02-29 12:00:00', 'the time of day is not midnight'],
  ['duration', 'time', -1n, 'the value is not between 0 and 24 hours'],
  ['interval', 'duration', { months: 1, days: 0, micros: 0n }, 'the interval has months or days'],
  ['list<int32>', 'list<int8>', [300], 'an item of the list does not fit list<int8>'],
]

for (const [from, to, value, reason] of reasons) {
  test(`${from} → ${to} is refused because ${reason}`, () => {
    const [source, target] = [typed(from), typed(to)]
    const column = columnOf(source, [value])
    assert.equal(compileCast(source, target)(column, 1, new Column(target, 1)), 0)
    assert.equal(explainRefusal(source, target, column, 0), reason)
  })
}
