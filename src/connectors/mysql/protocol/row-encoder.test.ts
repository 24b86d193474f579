import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  binary,
  bool,
  Column,
  date,
  decimalType,
  duration,
  float,
  int,
  type Type,
  timestamp,
  utf8,
  uuid,
  type Value,
  writeValue,
} from '#columnar'
import { FIELD } from './field-types.ts'
import { type EncodeState, maskBytes, type ParameterColumn, rowEncoder } from './row-encoder.ts'

const plain = (type: Type, rest: Partial<ParameterColumn> = {}): ParameterColumn => ({
  type,
  fraction: 6,
  trailingSpaces: 'keep',
  isGeometry: false,
  isText: false,
  isYear: false,
  isNullable: true,
  ...rest,
})

function columnOf(type: Type, values: readonly Value[]): Column {
  const column = new Column(type, values.length)
  for (const [row, value] of values.entries()) writeValue(column, row, value)
  return column
}

interface Encoded {
  readonly hex: string
  readonly state: EncodeState
  readonly reason: string | undefined
  readonly ends: Int32Array
  readonly masks: Uint8Array
}

function encode(
  columns: readonly ParameterColumn[],
  rows: readonly (readonly Value[])[],
  isBulk = true,
  maxRows = 100,
  maxBytes = 100_000,
): Encoded {
  const encoder = rowEncoder(columns, isBulk)
  const filled = columns.map(({ type }, k) =>
    columnOf(
      type,
      rows.map(row => row[k] ?? null),
    ),
  )
  const state: EncodeState = { row: 0, count: 0, length: 0, badColumn: -1, reason: 0 }
  const out = Buffer.alloc(100_000)
  const ends = new Int32Array(maxRows)
  const masks = new Uint8Array(maxRows * maskBytes(columns.length))
  encoder.encode(state, filled, rows.length, out, ends, masks, maxRows, maxBytes)
  return {
    hex: out.toString('hex', 0, state.length),
    state,
    ends,
    masks,
    reason: state.badColumn < 0 ? undefined : encoder.reasons[state.reason],
  }
}

const oneOf = (...names: string[]) => plain(utf8, { members: { isSet: false, names } })
const someOf = (...names: string[]) => plain(utf8, { members: { isSet: true, names } })
const one = (column: ParameterColumn, value: Value) => encode([column], [[value]]).hex.slice(2)
const refusal = (column: ParameterColumn, value: Value) => encode([column], [[value]]).reason

// The values of the manual (protocol_binary_resultset_row_value), the other way round.
test('encodes the values of the manual', () => {
  assert.equal(one(plain(utf8), 'foo'), '03666f6f')
  assert.equal(one(plain(int(64)), 1n), '0100000000000000')
  assert.equal(one(plain(int(32)), -2), 'feffffff')
  assert.equal(one(plain(int(16)), 1), '0100')
  assert.equal(one(plain(int(8)), -1), 'ff')
  assert.equal(one(plain(float(64)), 10.2), '6666666666662440')
  assert.equal(one(plain(float(32)), 10.2), '33332341')
  assert.equal(one(plain(timestamp(false)), '2010-10-17 19:27:30.000001'), '0bda070a11131b1e01000000')
  assert.equal(one(plain(timestamp(true)), '2010-10-17 19:27:30Z'), '07da070a11131b1e')
  assert.equal(one(plain(date), '2010-10-17'), '04da070a11')
  assert.equal(one(plain(duration), -(29n * 86_400n + 70_050n) * 1_000_000n - 1n), '0c011d000000131b1e01000000')
  assert.equal(one(plain(duration), (29n * 86_400n + 70_050n) * 1_000_000n), '08001d000000131b1e')
})

test('encodes the ends of the calendar and decimals of all widths', () => {
  assert.equal(one(plain(date), '9999-12-31'), '040f270c1f')
  assert.equal(one(plain(date), '0001-01-01 BC'), '0400000101')
  assert.equal(one(plain(timestamp(false)), '1969-12-31 23:59:59.999999'), '0bb1070c1f173b3b3f420f00')
  assert.equal(one(plain(timestamp(false)), '9999-12-31 23:59:59'), '070f270c1f173b3b')
  const text = (value: string) => Buffer.concat([Buffer.of(value.length), Buffer.from(value)]).toString('hex')
  assert.equal(one(plain(decimalType(12, 2)), '-0.05'), text('-0.05'))
  assert.equal(one(plain(decimalType(38, 0)), `-${'9'.repeat(38)}`), text(`-${'9'.repeat(38)}`))
  assert.equal(one(plain({ kind: 'numeric' }), '1.50'), text('1.50'))
  assert.equal(one(plain(uuid), '123e4567-e89b-12d3-a456-426655440000'), '10123e4567e89b12d3a456426655440000')
  assert.equal(
    one(plain(uuid, { isText: true }), '123e4567-e89b-12d3-a456-426655440000'),
    text('123e4567-e89b-12d3-a456-426655440000'),
  )
})

test('encodes any decimal as arithmetic without limits does', () => {
  const decimals = fc
    .integer({ min: 1, max: 18 })
    .chain(precision =>
      fc.tuple(
        fc.constant(precision),
        fc.integer({ min: 0, max: precision }),
        fc.bigInt({ min: -(10n ** BigInt(precision)) + 1n, max: 10n ** BigInt(precision) - 1n }),
      ),
    )
  fc.assert(
    fc.property(decimals, ([precision, scale, unscaled]) => {
      const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0')
      const expected = `${unscaled < 0n ? '-' : ''}${digits.slice(0, digits.length - scale)}${scale === 0 ? '' : `.${digits.slice(-scale)}`}`
      assert.equal(
        Buffer.from(one(plain(decimalType(precision, scale)), expected), 'hex')
          .subarray(1)
          .toString(),
        expected,
      )
    }),
    { numRuns: 2000 },
  )
})

test('puts a length of the right size in front of texts', () => {
  assert.equal(one(plain(utf8), 'x'.repeat(250)).slice(0, 4), 'fa78')
  assert.equal(one(plain(utf8), 'x'.repeat(251)).slice(0, 8), 'fcfb0078')
  assert.equal(one(plain(binary), new Uint8Array(65_536)).slice(0, 20), 'fe000001000000000000')
})

test('marks NULL with an indicator in bulk, with bits beside the values otherwise', () => {
  const columns = [plain(int(8)), plain(utf8), plain(bool)]
  assert.equal(
    encode(columns, [
      [1, null, true],
      [null, 'a', null],
    ]).hex,
    '00010100 01'.replace(' ', '') + '01' + '000161' + '01',
  )
  const { hex, masks, ends } = encode(
    columns,
    [
      [1, null, true],
      [null, 'a', null],
    ],
    false,
  )
  assert.equal(hex, '0101' + '0161')
  assert.deepEqual([...masks.subarray(0, 2)], [0b010, 0b101])
  assert.deepEqual([...ends.subarray(0, 2)], [2, 4])
})

test('says the types with their signs', () => {
  const { types } = rowEncoder(
    [plain(int(32, false)), plain(date), plain(binary, { isGeometry: true }), plain(decimalType(5, 2))],
    true,
  )
  assert.deepEqual([...types], [FIELD.LONG, 0x80, FIELD.DATE, 0, FIELD.LONG_BLOB, 0, FIELD.NEWDECIMAL, 0])
})

test('stops where the room or the number of rows ends, and goes on there', () => {
  const rows = Array.from({ length: 10 }, (_, at) => [`text ${at}`])
  const { state } = encode([plain(utf8)], rows, true, 4)
  assert.deepEqual([state.row, state.count], [4, 4])
  const narrow = encode([plain(utf8)], rows, true, 100, 40)
  assert(narrow.state.length <= 40 && narrow.state.row === narrow.state.count && narrow.state.row > 0)
})

test('refuses what the server would change, with the row', () => {
  const span = (fraction: number) => plain(duration, { fraction })
  const cases: readonly (readonly [ParameterColumn, Value, RegExp])[] = [
    [plain(date), 'infinity', /years 0 to 9999/],
    [plain(date), '0044-03-15 BC', /years 0 to 9999/],
    [plain(timestamp(false)), 'infinity', /years 0 to 9999/],
    [plain(timestamp(false)), '-infinity', /years 0 to 9999/],
    [plain(timestamp(true)), '10000-01-01 00:00:00Z', /years 0 to 9999/],
    [plain(timestamp(false), { fraction: 0 }), '2024-01-01 00:00:00.5', /digits of a second/],
    [plain(timestamp(false), { fraction: 3 }), '2024-01-01 00:00:00.0001', /digits of a second/],
    [span(6), 3_020_400_000_000n, /838:59:59/],
    [span(0), -500_000n, /digits of a second/],
    [plain(decimalType(5, 2)), 'NaN', /NaN/],
    [plain(decimalType(38, 2)), 'NaN', /NaN/],
    [plain({ kind: 'numeric' }), '-Infinity', /infinity/],
    [plain({ kind: 'numeric' }, { scale: 2 }), '1.005', /behind the point/],
    [plain(float(64)), NaN, /NaN/],
    [plain(float(32)), -Infinity, /infinity/],
    [plain(int(16), { isYear: true }), 99, /year below 100/],
    [plain(utf8, { trailingSpaces: 'refuse' }), 'a ', /spaces at the end/],
    [plain(utf8, { maxChars: 3 }), 'Ž€😀x', /longer/],
    [plain(binary, { exactBytes: 4 }), Uint8Array.of(1, 2, 3), /zero bytes/],
    ...['X', 'x ', ' x', '', '1', 'y', 'xx', 'x\0'].map(text => [oneOf('x', '7', 'é'), text, /no such member/] as const),
    ...['b,a', 'a,a', 'A', 'a ', 'a, b', ',a', 'a,', ',', '1', 'a,c', 'ab'].map(
      text => [someOf('a', 'b', '7'), text, /not in this order/] as const,
    ),
    [someOf('a', ''), ',a', /not in this order/],
    [plain(utf8, { isNullable: false }), null, /no NULL/],
    [plain(binary, { isGeometry: true }), Uint8Array.of(0, 0, 0, 0, 1), /little-endian WKB/],
  ]
  for (const [column, value, reason] of cases) assert.match(refusal(column, value) ?? 'not refused', reason, String(value))
  const { state } = encode([plain(date)], [['2024-01-01'], ['infinity'], ['2024-01-01']])
  assert.deepEqual([state.row, state.count, state.badColumn], [1, 1, 0])
})

test('finds any member among thousands, and nothing else', () => {
  const names = Array.from({ length: 3000 }, (_, at) => `member ${at}`)
  const column = oneOf(...names)
  assert.equal(
    encode(
      [column],
      names.map(name => [name]),
      true,
      3000,
    ).state.row,
    3000,
  )
  assert.match(refusal(column, 'member 3000') ?? 'not refused', /no such member/)
})

test('takes what is as good as it looks', () => {
  assert.equal(one(plain(timestamp(false), { fraction: 3 }), '2024-01-01 00:00:00.125'), '0be8070101000000' + '48e80100')
  assert.equal(refusal(plain({ kind: 'numeric' }, { scale: 2 }), '1.500'), undefined)
  for (const text of ['x', '7', 'é']) assert.equal(refusal(oneOf('x', '7', 'é'), text), undefined)
  for (const text of ['', 'a', 'b', 'a,b', 'a,7', 'a,b,7']) assert.equal(refusal(someOf('a', 'b', '7'), text), undefined)
  for (const text of ['', 'a', 'a,']) assert.equal(refusal(someOf('a', ''), text), undefined)
  assert.equal(refusal(oneOf('', 'a'), ''), undefined)
  assert.equal(refusal(plain(utf8, { maxChars: 3 }), 'Ž€😀'), undefined)
  assert.equal(one(plain(utf8, { trailingSpaces: 'trim' }), 'a  '), '0161')
  assert.equal(refusal(plain(int(16), { isYear: true }), 0), undefined)
})

test('stores a geometry with its SRID in front', () => {
  const point = '000000000000f03f0000000000000040'
  const geometry = plain(binary, { isGeometry: true })
  const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'))
  assert.equal(one(geometry, bytes(`0101000000${point}`)), `fe1900000000000000` + `00000000` + `0101000000${point}`)
  assert.equal(one(geometry, bytes(`0101000020e6100000${point}`)), `fe1900000000000000` + `e6100000` + `0101000000${point}`)
})

test('encodes tables of more columns than one function has', () => {
  const columns = Array.from({ length: 150 }, (_, at) => (at % 2 === 0 ? plain(int(8)) : plain(utf8)))
  const row = columns.map((_, at) => (at % 2 === 0 ? 7 : at % 3 === 0 ? null : 'x'))
  const expected = row.map(value => (value === null ? '01' : value === 7 ? '0007' : '000178')).join('')
  assert.equal(encode(columns, [row, row]).hex, expected + expected)
})
