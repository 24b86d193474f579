import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  binary,
  bool,
  civilFromDays,
  Column,
  date,
  decimalType,
  duration,
  float,
  int,
  readInt64,
  readValue,
  timestamp,
  type Type,
  utf8,
  type Value,
} from '#columnar'
import { FIELD } from './field-types.ts'
import { type DecodeState, rowDecoder, STOP, type WireColumn } from './row-decoder.ts'

const hex = (text: string) => Buffer.from(text.replace(/\s/g, ''), 'hex')
const column = (type: Type, field: number): WireColumn => ({ type, field, maxBytes: 2 ** 32, zeroDates: 'refuse' })
const start = (): DecodeState => ({ rows: 0, position: 0, isWhole: false, stop: STOP.FULL, need: 0, badColumn: -1 })

/** Packets with a header each. */
function packets(...payloads: Buffer[]): Buffer {
  return Buffer.concat(
    payloads.flatMap(payload => {
      const header = Buffer.alloc(4)
      header.writeUIntLE(payload.length, 0, 3)
      return [header, payload]
    }),
  )
}

function decode(wire: readonly WireColumn[], bytes: Buffer, state = start(), maxRows = 100, maxBytes = 1e9) {
  const columns = wire.map(({ type }) => new Column(type, 100))
  rowDecoder(wire)(state, bytes, bytes.length, columns, maxRows, maxBytes)
  const rows = Array.from({ length: state.rows }, (_, row) => columns.map(each => readValue(each, row)))
  return { state, columns, rows }
}

/** The value of a row with one column. */
function one(wire: WireColumn, payload: string): Value | undefined {
  const { rows, state } = decode([wire], packets(hex(`00 00 ${payload}`)))
  assert.equal(state.stop, STOP.MORE)
  return rows[0]?.[0]
}

// Values of the manual (protocol_binary_resultset_row_value), or written by its grammar.
test('decodes the values of the manual', () => {
  assert.equal(one(column(utf8, FIELD.VAR_STRING), '03 66 6f 6f'), 'foo')
  assert.equal(one(column(int(64), FIELD.LONGLONG), '01 00 00 00 00 00 00 00'), 1n)
  assert.equal(one(column(int(32), FIELD.LONG), '01 00 00 00'), 1)
  assert.equal(one(column(int(16), FIELD.SHORT), '01 00'), 1)
  assert.equal(one(column(int(8), FIELD.TINY), '01'), 1)
  assert.equal(one(column(float(64), FIELD.DOUBLE), '66 66 66 66 66 66 24 40'), 10.2)
  assert.equal(one(column(float(32), FIELD.FLOAT), '33 33 23 41'), Math.fround(10.2))
  assert.equal(one(column(timestamp(false), FIELD.DATETIME), '0b da 07 0a 11 13 1b 1e 01 00 00 00'), '2010-10-17 19:27:30.000001')
  assert.equal(one(column(date, FIELD.DATE), '04 da 07 0a 11'), '2010-10-17')
  assert.equal(one(column(timestamp(true), FIELD.TIMESTAMP), '07 da 07 0a 11 13 1b 1e'), '2010-10-17 19:27:30Z')
  assert.equal(
    one(column(duration, FIELD.TIME), '0c 01 78 00 00 00 13 1b 1e 01 00 00 00'),
    -((120n * 86_400n + 70_050n) * 1_000_000n + 1n),
  )
  assert.equal(one(column(duration, FIELD.TIME), '08 01 78 00 00 00 13 1b 1e'), -(120n * 86_400n + 70_050n) * 1_000_000n)
  assert.equal(one(column(duration, FIELD.TIME), '00'), 0n)
})

test('decodes what its grammar allows beyond', () => {
  assert.equal(one(column(timestamp(false), FIELD.DATETIME), '04 b2 07 01 01'), '1970-01-01 00:00:00')
  assert.equal(one(column(bool, FIELD.BIT), '01 01'), true)
  assert.equal(one(column(int(64, false), FIELD.BIT), '08 ff ff ff ff ff ff ff fe'), 2n ** 64n - 2n)
  assert.equal(one(column(decimalType(12, 2), FIELD.NEWDECIMAL), '06 2d 31 32 2e 35 30'), '-12.50')
  assert.equal(one(column(decimalType(12, 2), FIELD.NEWDECIMAL), '02 2d 37'), '-7.00')
  assert.equal(one(column(int(16, false), FIELD.SHORT), 'ff ff'), 65_535)
})

test('decodes any decimal that fits its column', () => {
  const decimals = fc
    .integer({ min: 1, max: 38 })
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
      const text = `${unscaled < 0n ? '-' : ''}${digits.slice(0, digits.length - scale)}${scale === 0 ? '' : `.${digits.slice(-scale)}`}`
      const payload = Buffer.concat([Buffer.of(text.length), Buffer.from(text)]).toString('hex')
      assert.equal(one(column(decimalType(precision, scale), FIELD.NEWDECIMAL), payload), text)
    }),
    { numRuns: 500 },
  )
})

test('decodes every day that MySQL has', () => {
  const wire = [column(date, FIELD.DATE), column(timestamp(false), FIELD.DATETIME)]
  for (let days = -719_528; days <= 2_932_896; days += 29) {
    const { year, month, day } = civilFromDays(days)
    const value = Buffer.of(year & 0xff, year >> 8, month, day)
    const { columns } = decode(
      wire,
      packets(Buffer.concat([hex('00 00 04'), value, hex('0b'), value, hex('17 3b 3b 3f 42 0f 00')])),
    )
    assert.equal(columns[0]!.values[0], days)
    assert.equal(readInt64(columns[1]!, 0), BigInt(days) * 86_400_000_000n + 86_399_999_999n)
  }
})

test('reads the NULL bitmap with its offset of two bits', () => {
  const wire = Array.from({ length: 9 }, () => column(int(8), FIELD.TINY))
  // Columns 0, 6 and 8: bits 2, 8 and 10.
  const { rows } = decode(wire, packets(hex('00 04 05 01 02 03 04 05 07')))
  assert.deepEqual(rows, [[null, 1, 2, 3, 4, 5, null, 7, null]])
})

const NAMES = [column(int(32), FIELD.LONG), column(utf8, FIELD.VAR_STRING)]
const row = (id: number, name: string) =>
  Buffer.concat([hex('00 00'), Buffer.of(id, 0, 0, 0), Buffer.of(name.length), Buffer.from(name)])

test('goes on with any cut of the bytes', () => {
  const bytes = packets(row(1, 'one'), row(2, ''), row(3, 'x'.repeat(200)), hex('fe 00 00 02 00 00 00'))
  const expected = decode(NAMES, bytes).rows
  assert.equal(expected.length, 3)
  for (let cut = 0; cut <= bytes.length; cut++) {
    const columns = NAMES.map(({ type }) => new Column(type, 100))
    const state = start()
    const step = rowDecoder(NAMES)
    step(state, bytes, cut, columns, 100, 1e9)
    if (cut < bytes.length - 7) assert(state.stop === STOP.MORE && state.position + state.need > cut, `cut ${cut}`)
    step(state, bytes, bytes.length, columns, 100, 1e9)
    assert.equal(state.stop, STOP.OTHER)
    assert.deepEqual(
      expected.map((_, at) => columns.map(each => readValue(each, at))),
      expected,
    )
  }
})

test('stops when rows or bytes are enough, but takes one row whatever its size', () => {
  const bytes = packets(row(1, 'one'), row(2, 'two'), row(3, 'three'))
  assert.equal(decode(NAMES, bytes, start(), 2).state.stop, STOP.FULL)
  assert.equal(decode(NAMES, bytes, start(), 2).rows.length, 2)
  assert.equal(decode(NAMES, bytes, start(), 100, 1).rows.length, 1)
  const { columns, rows } = decode(NAMES, bytes, start(), 100, 30)
  assert.equal(rows.length, 2)
  assert(columns.reduce((sum, each) => sum + each.byteLength(2), 0) <= 30)
})

test('stops before what is no row, and before a row of several packets', () => {
  assert.equal(decode(NAMES, packets(row(1, 'a'), hex('ff 28 04'))).state.stop, STOP.OTHER)
  const huge = Buffer.concat([hex('ff ff ff 00'), Buffer.alloc(100)])
  assert.equal(decode(NAMES, huge).state.stop, STOP.HUGE)
})

test('decodes a row that went over several packets when it is given as a whole', () => {
  const text = 'y'.repeat(70_000)
  const payload = Buffer.concat([hex('00 00 07 00 00 00 fd 70 11 01'), Buffer.from(text)])
  const bytes = Buffer.concat([hex('ff ff ff 00'), payload])
  assert.deepEqual(decode(NAMES, bytes, { ...start(), isWhole: true }, 1).rows, [[7, text]])
})

test('refuses dates that do not exist, or makes them NULL', () => {
  const asNull = (type: Type, field: number): WireColumn => ({ type, field, maxBytes: 10, zeroDates: 'null' })
  for (const payload of ['00', '04 e8 07 00 00', '04 e8 07 02 1e', '04 e7 07 02 1d', '04 e8 07 0d 01']) {
    const { state } = decode([column(int(8), FIELD.TINY), column(date, FIELD.DATE)], packets(hex(`00 00 05 ${payload}`)))
    assert.equal(state.stop, STOP.REFUSED, payload)
    assert.deepEqual([state.rows, state.badColumn], [0, 1])
    assert.equal(one(asNull(date, FIELD.DATE), payload), null)
    assert.equal(one(asNull(timestamp(false), FIELD.DATETIME), payload), null)
  }
  assert.equal(one(column(date, FIELD.DATE), '04 e8 07 02 1d'), '2024-02-29')
})

test('decodes tables of more columns than one function has', () => {
  const wire = Array.from({ length: 150 }, (_, at) => (at % 3 === 0 ? column(int(8), FIELD.TINY) : column(binary, FIELD.BLOB)))
  const bits = Buffer.alloc((150 + 9) >> 3)
  bits[(149 + 2) >> 3]! |= 1 << ((149 + 2) & 7)
  const values = Buffer.concat(Array.from({ length: 149 }, (_, at) => (at % 3 === 0 ? Buffer.of(at) : Buffer.of(2, at, 7))))
  const payload = Buffer.concat([hex('00'), bits, values])
  const { rows } = decode(wire, packets(payload, payload))
  assert.equal(rows.length, 2)
  assert.deepEqual(
    rows[1],
    Array.from({ length: 150 }, (_, at) => (at === 149 ? null : at % 3 === 0 ? (at << 24) >> 24 : Uint8Array.of(at, 7))),
  )
})

const everything = [
  column(int(64), FIELD.LONGLONG),
  column(decimalType(12, 2), FIELD.NEWDECIMAL),
  column(decimalType(18, 2), FIELD.NEWDECIMAL),
  column(decimalType(38, 2), FIELD.NEWDECIMAL),
  column({ kind: 'numeric' }, FIELD.NEWDECIMAL),
  column(date, FIELD.DATE),
  column(timestamp(false), FIELD.DATETIME),
  column(duration, FIELD.TIME),
  column(utf8, FIELD.VAR_STRING),
  column(binary, FIELD.GEOMETRY),
  column(int(64, false), FIELD.BIT),
  column({ kind: 'uuid' }, FIELD.STRING),
]

test('never reads beyond a packet nor loops, whatever is in it', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 0, maxLength: 120 }), payload => {
      const { state } = decode(everything, packets(Buffer.from([0, 0, 0, ...payload]), row(1, 'x')))
      assert([STOP.BROKEN, STOP.REFUSED, STOP.MORE].includes(state.stop as 0), `stop ${state.stop}`)
      assert(state.rows <= 2)
    }),
    { numRuns: 800 },
  )
})

test('notices every truncation of a row inside its packet', () => {
  const whole = hex('00 00 07 00 00 00 03 61 62 63')
  for (let length = 1; length < whole.length; length++) {
    assert.equal(decode(NAMES, packets(whole.subarray(0, length), row(1, 'x'))).state.stop, STOP.BROKEN, `length ${length}`)
  }
  assert.equal(decode(NAMES, packets(Buffer.concat([whole, hex('00')]))).state.stop, STOP.BROKEN)
})
