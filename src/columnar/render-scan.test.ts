/** render-*.ts and scan-*.ts against BigInt, JavaScript's own numbers, and the text forms of the PostgreSQL manual. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Column } from './column.ts'
import { maxTextBytes, renderHex, renderOf, renderUuid } from './render-bytes.ts'
import { scanOf } from './scan-bytes.ts'
import { parseTypeName, typeName, type Type } from './types.ts'
import { readValue, type Value } from './value.ts'
import { columnOf, someTypes, valuesOf } from './values.test-support.ts'

const GUARD = 0xa5

/** The canonical text of a value, written between guard bytes that must survive. */
function textOf(type: Type, value: Value): string {
  const column = columnOf(type, [value])
  const room = maxTextBytes(type) ?? column.offsets[1]!
  const out = new Uint8Array(room + 7).fill(GUARD)
  const render = renderOf(type) ?? assert.fail(typeName(type))
  const end = render(out, 3, column, 0)
  assert(end <= room + 3, `${typeName(type)} needs ${end - 3} bytes, announced are ${room}`)
  assert(out.subarray(0, 3).every(byte => byte === GUARD) && out.subarray(end).every(byte => byte === GUARD), 'wrote elsewhere')
  return Buffer.from(out.subarray(3, end)).toString()
}

/** What the text means as a value of the type; undefined when it is refused. The text stands between bytes that would change it. */
function scanned(type: Type, text: string, neighbours = '0'): Value | undefined {
  const column = new Column(type, 2)
  const bytes = Buffer.from(`${neighbours}${text}${neighbours}`)
  const scan = scanOf(type) ?? assert.fail(typeName(type))
  // Row 1: a scanner that forgets the row is found out.
  column.setNull(0)
  if (column.offsets.length > 0) column.offsets[1] = 0
  return scan(bytes, neighbours.length, bytes.length - neighbours.length, column, 1) ? readValue(column, 1) : undefined
}

const typed = (name: string) => parseTypeName(name) ?? assert.fail(name)

for (const type of someTypes.filter(each => renderOf(each) !== undefined)) {
  test(`${typeName(type)}: every value is read back from its text`, () => {
    fc.assert(
      fc.property(valuesOf(type), value => {
        assert.deepEqual(scanned(type, textOf(type, value)), value)
      }),
      { numRuns: 100 },
    )
  })
}

/** Types whose canonical text is what readValue returns anyway, from other code. */
for (const name of [
  'int8',
  'uint16',
  'int32',
  'int64',
  'uint64',
  'decimal(9,9)',
  'decimal(18,0)',
  'decimal(19,4)',
  'decimal(38,38)',
  'date',
  'time',
  'timestamp',
  'timestamptz',
  'uuid',
]) {
  test(`${name}: the bytes are those of the reference text`, () => {
    fc.assert(
      fc.property(valuesOf(typed(name)), value => assert.equal(textOf(typed(name), value), String(value))),
      { numRuns: 100 },
    )
  })
}

test('a float is written as ECMAScript writes it, but for the sign of zero', () => {
  fc.assert(
    fc.property(fc.double(), value => assert.equal(textOf(typed('float64'), value), Object.is(value, -0) ? '-0' : String(value))),
    { numRuns: 300 },
  )
  const prices = fc.tuple(fc.integer({ min: -(10 ** 12), max: 10 ** 12 }), fc.integer({ min: 0, max: 6 }))
  fc.assert(
    fc.property(prices, ([value, scale]) =>
      assert.equal(
        textOf(typed('float64'), value / 10 ** scale),
        String(Object.is(value / 10 ** scale, -0) ? '-0' : value / 10 ** scale),
      ),
    ),
  )
})

test('a float32 is written with the fewest digits that name it', () => {
  for (const [value, text] of [
    [Math.fround(0.1), '0.1'],
    [Math.fround(3.4028234663852886e38), '3.4028235e+38'],
    [Math.fround(1e-45), '1e-45'],
    [Math.fround(1.17549435e-38), '1.1754944e-38'],
    [16_777_216, '16777216'],
    [33_554_436, '33554436'],
    [Math.fround(9.5367431640625e-7), '9.536743e-7'],
    [-0, '-0'],
  ] as const) {
    assert.equal(textOf(typed('float32'), value), text)
  }
})

test('floats are read as JavaScript reads them', () => {
  const texts = fc
    .tuple(fc.bigInt({ min: -(10n ** 25n), max: 10n ** 25n }), fc.integer({ min: -340, max: 330 }))
    .map(([digits, power]) => `${digits}e${power}`)
  fc.assert(
    fc.property(texts, text => {
      const value = Number(text)
      const isReachable = Number.isFinite(value) && (value !== 0 || /^-?0e/.test(text))
      assert.deepEqual(scanned(typed('float64'), text), isReachable ? value : undefined, text)
    }),
    { numRuns: 300 },
  )
  for (const [text, value] of [
    ['NaN', NaN],
    ['nan', NaN],
    ['inf', Infinity],
    ['-Infinity', -Infinity],
    ['1.', 1],
    ['.5', 0.5],
    ['+2.5E-1', 0.25],
    ['-0', -0],
  ] as const) {
    assert.deepEqual(scanned(typed('float64'), text), value, text)
  }
})

test('a float32 is rounded once', () => {
  // 1 + 2^-24 lies between two floats, and the last digit says on which side; by way of a double it would be lost.
  assert.equal(scanned(typed('float32'), '1.000000059604644775390625'), 1)
  assert.equal(scanned(typed('float32'), '1.00000005960464477539062500000000001'), Math.fround(1 + 2 ** -23))
  assert.equal(scanned(typed('float32'), '1.0000000596046447753906249999999999'), 1)
  // 1 + 3 * 2^-24: the even neighbour is above.
  assert.equal(scanned(typed('float32'), '1.000000178813934326171875'), Math.fround(1 + 2 ** -22))
  assert.equal(scanned(typed('float32'), '1.00000017881393432617187499999999999'), Math.fround(1 + 2 ** -23))
  assert.equal(scanned(typed('float32'), '-1.00000005960464477539062500000000001e0'), -Math.fround(1 + 2 ** -23))
})

const accepted: readonly (readonly [type: string, text: string, value: Value])[] = [
  ['int32', '+7', 7],
  ['int32', '-0', 0],
  ['int32', '000000000000007', 7],
  ['int64', '+0000000000000000000000009223372036854775807', 2n ** 63n - 1n],
  ['uint64', '18446744073709551615', 2n ** 64n - 1n],
  ['decimal(5,2)', '+001.5', '1.50'],
  ['decimal(5,2)', '1.500000000000000000000000000000000000000000', '1.50'],
  ['decimal(5,2)', '12.3e1', '123.00'],
  ['decimal(5,2)', '99999e-2', '999.99'],
  ['decimal(5,2)', '.5', '0.50'],
  ['decimal(5,2)', '5.', '5.00'],
  ['decimal(5,2)', '-0.00', '0.00'],
  ['decimal(5,2)', '0e9999', '0.00'],
  ['decimal(38,0)', '1e37', `1${'0'.repeat(37)}`],
  ['decimal(38,10)', '1234567890123456789012345678.0987654321', '1234567890123456789012345678.0987654321'],
  ['decimal(5,2)', 'nan', 'NaN'],
  ['numeric', '-0.0', '0.0'],
  ['numeric', '+001.50', '1.50'],
  ['numeric', '.5', '0.5'],
  ['numeric', '5.', '5'],
  ['numeric', '1.5e3', '1500'],
  ['numeric', '12.5e-3', '0.0125'],
  ['numeric', '1250e-2', '12.5'],
  ['numeric', '-Inf', '-Infinity'],
  ['uuid', '0123456789ABCDEF0123456789abcdef', '01234567-89ab-cdef-0123-456789abcdef'],
  ['bool', 'TRUE', true],
  ['bool', 'off', false],
  ['bool', '1', true],
  ['date', '0044-03-15 BC', '0044-03-15 BC'],
  ['date', 'Infinity', 'infinity'],
  ['time', '23:59:59.5', '23:59:59.500000'],
  ['time', '23:59:59.123456000', '23:59:59.123456'],
  ['timestamp', '2024-02-29T23:59:59.5', '2024-02-29 23:59:59.500000'],
  ['timestamp', '2024-02-29', '2024-02-29 00:00:00'],
  ['timestamp', '2024-02-29 24:00:00', '2024-03-01 00:00:00'],
  ['timestamptz', '2024-02-29 23:59:59', '2024-02-29 23:59:59Z'],
  ['timestamptz', '2024-02-29 23:59:59+02', '2024-02-29 21:59:59Z'],
  ['timestamptz', '2024-02-29 23:59:59-0130', '2024-03-01 01:29:59Z'],
  ['timestamptz', '2024-02-29 23:59:59+01:30:30', '2024-02-29 22:29:29Z'],
  ['timestamptz', '0044-03-15 00:00:00+00 BC', '0044-03-15 00:00:00Z BC'],
  ['duration', '-838:59:59', -3_020_399_000_000n],
  ['duration', '+00:00:00.000001', 1n],
  ['duration', '-00:00:00.000001', -1n],
  ['interval', 'P1Y2M3DT4H5M6.7S', { months: 14, days: 3, micros: 14_706_700_000n }],
  ['interval', 'P-1Y-2M3DT-4H-5M-6S', { months: -14, days: 3, micros: -14_706_000_000n }],
  ['interval', 'P2WT-0.5S', { months: 0, days: 14, micros: -500_000n }],
  [
    'json',
    ' {"a" : [1, -2.5e3, true, null, "\\u00e4\\n"], "b": {}, "c": []} ',
    ' {"a" : [1, -2.5e3, true, null, "\\u00e4\\n"], "b": {}, "c": []} ',
  ],
]

for (const [type, text, value] of accepted) {
  test(`${type} takes ${text}`, () => assert.deepEqual(scanned(typed(type), text), value))
}

const refused: Readonly<Record<string, readonly string[]>> = {
  int8: ['128', '-129', '', '+', '-', '1.0', '1e1', ' 1', '1 ', '0x1', '٣', '999999999999999999999'],
  uint8: ['256', '-1'],
  int32: ['2147483648', '-2147483649'],
  uint32: ['4294967296', '-1'],
  int64: [
    '9223372036854775808',
    '-9223372036854775809',
    '18446744073709551616',
    '1'.repeat(30),
    '12345678901234567x',
    String(2n ** 128n + 1n),
    '--1',
  ],
  uint64: ['18446744073709551616', '-1', '-18446744073709551615', '99999999999999999999'],
  float64: ['', '.', 'e5', '1e', '1e+', '1e400', '-1e400', '1e-400', '1.2.3', '0x10', 'infinite', '1_0', '--1', '1e00000000001'],
  float32: ['3.5e38', '1e-46', 'abc'],
  'decimal(5,2)': ['1000', '1.001', '1e3', '1e-3', '', '.', '-', '1,5', 'Infinity', '0.001e-9999999'],
  'decimal(38,0)': ['1e38', '0.1', '1'.repeat(39)],
  numeric: ['', '-', 'e1', '1e200000', '1e-200000', 'NaNs', '-NaN', '1 '],
  uuid: [
    '',
    '0123456789abcdef0123456789abcde',
    '0123456789abcdef0123456789abcdeg',
    '01234567-89ab-cdef-0123456789-abcdef',
    '0123456789abcdef-0123456789abcdef----',
  ],
  bool: ['', '\u0011', 'tru', '2', 'truee', 'no ', '-1'],
  date: [
    '2023-02-29',
    '1900-02-29',
    '2024-13-01',
    '2024-00-01',
    '2024-01-00',
    '2024-01-32',
    '0000-01-01',
    '0000-01-01 BC',
    '0000-00-00',
    '24-01-01',
    '2024-1-1',
    '2024-01-01 ',
    '2024-01-01T',
    '9999999-01-01',
    'infinit',
    '2024/01/01',
    '',
  ],
  time: [
    '24:00:00.000001',
    '24:00:01',
    '25:00:00',
    '12:60:00',
    '12:00:60',
    '12:00',
    '12:00:00.',
    '12:00:00.0000001',
    '1:00:00',
    '012:00:00',
    '-01:00:00',
    '',
  ],
  timestamp: [
    '2024-02-29 12:00:00Z',
    '2024-02-29 12:00:00+02',
    '2024-02-29 12:00',
    '2024-02-29 24:00:01',
    '294277-01-01 00:00:00',
    '4714-11-23 23:59:59 BC',
    '294247-01-10 04:00:54.775807',
    '294247-01-10 04:00:54.775808',
    '2024-02-29 ',
    '2024-02-30 00:00:00',
    '',
  ],
  timestamptz: [
    '2024-02-29 12:00:00+16',
    '2024-02-29 12:00:00+02:60',
    '2024-02-29 12:00:00+2',
    '2024-02-29 12:00:00ZZ',
    '2024-02-29 12:00:00 Z',
    '294276-12-31 23:59:59-02',
  ],
  duration: ['1:00:00', '2562047788:00:54.775808', '-2562047788:00:54.775809', '9999999999:00:00', '00:00', ''],
  interval: ['P', 'PT', 'P1', '1Y', 'P1YT', 'P2147483648D', 'P1Y1D1M', 'PT0.0000001S'],
  json: [
    '',
    '{',
    '[1,]',
    '{"a":1,}',
    '01',
    '1.',
    '.5',
    '+1',
    "'a'",
    '"\n"',
    '"\\x"',
    '"\\u12g4"',
    '"a',
    'tru',
    'truex',
    '[1 2]',
    '{1:2}',
    '{"a"}',
    ']',
    '[}',
    '{]',
    '1 2',
    'NaN',
    '-',
    '-e',
    '1e',
    '"\\',
  ],
}

for (const [type, texts] of Object.entries(refused)) {
  // Neighbours that would complete some of the texts: a scanner that looks beyond its end is found out.
  test(`${type} refuses what is none`, () => {
    for (const neighbours of ['0', '"', 'e', '5', ']', 'Z']) {
      for (const text of texts)
        assert.equal(scanned(typed(type), text, neighbours), undefined, `${JSON.stringify(text)} next to ${neighbours}`)
    }
  })
}

test('no bytes make a scanner throw', () => {
  const alphabet = fc.constantFrom(...'0123456789+-.:eETZ PYMDWHSBCinfayNrul"{}[],\\'.split(''), '\0', 'ä')
  for (const type of someTypes.filter(each => scanOf(each) !== undefined)) {
    fc.assert(
      fc.property(fc.string({ unit: alphabet, maxLength: 30 }), text => void scanned(type, text)),
      { numRuns: 100 },
    )
  }
})

test('json takes exactly what JSON.parse takes', () => {
  const broken = fc
    .tuple(fc.json(), fc.nat(), fc.constantFrom('', ',', '"', '{', ']', '\\', '0', ' ', 'e'))
    .map(([text, at, bad]) => {
      const place = at % (text.length + 1)
      return text.slice(0, place) + bad + text.slice(place + 1)
    })
  fc.assert(
    fc.property(fc.oneof(fc.json(), broken, fc.string()), text => {
      if (!text.isWellFormed()) return
      assert.equal(scanned(typed('json'), text) !== undefined, isParsed(text), JSON.stringify(text))
    }),
    { numRuns: 300 },
  )
  const deep = `${'['.repeat(5000)}${']'.repeat(5000)}`
  assert.equal(scanned(typed('json'), deep), deep)
  assert.equal(scanned(typed('json'), deep.slice(1)), undefined)
})

function isParsed(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

test('uuids and hexadecimal digits are those of Buffer', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), bytes => {
      const out = new Uint8Array(36)
      const hex = Buffer.from(bytes).toString('hex')
      assert.equal(renderHex(out, 0, bytes, 0, 16), 32)
      assert.equal(Buffer.from(out.subarray(0, 32)).toString(), hex)
      renderUuid(out, 0, bytes, 0)
      assert.equal(Buffer.from(out).toString().replaceAll('-', ''), hex)
    }),
  )
})
