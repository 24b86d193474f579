/** Binary COPY as the manual lays it out, cut and spoiled in every way. Values of every type are checked against a server (types.postgres.test.ts). */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { Batch, float, int, json, list, numeric, parseTypeName, timestamp, utf8, type Type } from '#columnar'
import { BATCH_FULL, compileDecoder, NEED_BYTES, OTHER_MESSAGE, type DecodedColumn } from './decode.ts'
import type { Wire } from './types.ts'

const bytes = (hex: string) => Buffer.from(hex.replaceAll(/\s/g, ''), 'hex')

/** CopyData with one tuple, from the hexadecimal bytes of its fields. */
function tuple(...fields: (string | null)[]): Buffer {
  const parts = fields.map(field => {
    const value = field === null ? undefined : bytes(field)
    const head = Buffer.alloc(4)
    head.writeInt32BE(value === undefined ? -1 : value.length)
    return Buffer.concat([head, value ?? Buffer.alloc(0)])
  })
  const body = Buffer.concat([bytes(fields.length.toString(16).padStart(4, '0')), ...parts])
  const head = Buffer.alloc(5, 'd')
  head.writeInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}

class Refused extends Error {}

function decoderOf(columns: readonly DecodedColumn[], capacity = 100) {
  const batch = new Batch({ fields: columns.map(({ type }, at) => ({ name: `c${at}`, type, nullable: true })) }, capacity)
  const decode = compileDecoder(columns)(batch.columns)
  const fail = (what: string): never => {
    throw new Refused(what)
  }
  return {
    batch,
    run(buffer: Buffer, maxBytes = 1e9) {
      batch.reset()
      const unread = { buffer, start: 0, end: buffer.length }
      const state = { rows: 0, bytes: 0, need: 0 }
      const status = decode(unread, state, capacity, maxBytes, fail, fail)
      batch.rows = state.rows
      return { status, unread, state }
    },
  }
}

const column = (type: Type, wire: Wire): DecodedColumn => ({ type, wire })
const samples: readonly (readonly [column: DecodedColumn, hex: string, value: unknown])[] = [
  [column(int(32), { kind: 'int4' }), 'fffffffe', -2],
  [column(utf8, { kind: 'text' }), '6162c3a9', 'abé'],
  [column(json, { kind: 'jsonb' }), '01 7b7d', '{}'],
  [column(float(64), { kind: 'float8' }), '3ff8000000000000', 1.5],
  [column(timestamp(false), { kind: 'timestamp' }), '0000000000000001', '2000-01-01 00:00:00.000001'],
  [column(parseTypeName('decimal(12,2)')!, { kind: 'numeric' }), '0002 0000 4000 0002 0001 1388', '-1.50'],
  [column(parseTypeName('decimal(38,2)')!, { kind: 'numeric' }), '0002 0000 4000 0002 0001 1388', '-1.50'],
  [column(numeric, { kind: 'numeric' }), '0002 0000 4000 0003 0001 1388', '-1.500'],
  [column(parseTypeName('uuid')!, { kind: 'uuid' }), '000102030405060708090a0b0c0d0e0f', '00010203-0405-0607-0809-0a0b0c0d0e0f'],
  [
    column(list(utf8), { kind: 'array', item: { kind: 'text' }, itemOid: 25 }),
    '00000001 00000001 00000019 00000002 00000001 00000001 78 ffffffff',
    ['x', null],
  ],
  [column(list(int(32)), { kind: 'array', item: { kind: 'int4' }, itemOid: 23 }), '00000000 00000000 00000017', []],
]
const columns = samples.map(([one]) => one)
const row = tuple(...samples.map(([, hex]) => hex))
const nulls = tuple(...samples.map(() => null))
const trailer = bytes('64 00000006 ffff')
const done = bytes('63 00000004')

describe('decoder', () => {
  test('decodes every field, and NULL in its place', () => {
    const decoder = decoderOf(columns)
    const { status, unread } = decoder.run(Buffer.concat([row, nulls, row, trailer, done]))
    assert.equal(status, OTHER_MESSAGE)
    assert.equal(unread.end - unread.start, done.length)
    const values = samples.map(([, , value]) => value)
    assert.deepEqual(
      [0, 1, 2].map(at => decoder.batch.row(at)),
      [values, values.map(() => null), values],
    )
  })

  test('waits for the rest of a tuple, wherever the stream is cut', () => {
    const decoder = decoderOf(columns)
    const whole = Buffer.concat([row, nulls])
    for (let length = 0; length < whole.length; length++) {
      const { status, unread, state } = decoder.run(whole.subarray(0, length))
      assert.equal(status, NEED_BYTES)
      assert.equal(unread.start, length < row.length ? 0 : row.length)
      assert(state.need > length - unread.start, `${length}`)
    }
  })

  test('refuses whatever a field or tuple says that is not so, and reads nothing beyond the tuple', () => {
    const decoder = decoderOf(columns)
    const guard = Buffer.alloc(64, 0xee)
    const spoil = fc.record({ at: fc.nat(row.length - 8), byte: fc.nat(255), cut: fc.nat(row.length) })
    fc.assert(
      fc.property(fc.array(spoil, { minLength: 1, maxLength: 3 }), spoils => {
        const spoiled = Buffer.from(row)
        for (const { at, byte } of spoils) spoiled[at + 7] = byte
        // A shorter message than its fields claim.
        const cut = spoils[0]!.cut % 3 === 0 ? Math.max(7, spoils[0]!.cut) : row.length
        spoiled.writeInt32BE(cut - 1, 1)
        // Once with other bytes behind the tuple, once with nothing at all.
        for (const behind of [guard, Buffer.alloc(0)]) {
          try {
            const { unread, status } = decoder.run(Buffer.concat([spoiled.subarray(0, cut), behind]))
            assert.equal(unread.start, cut)
            assert.equal(status, behind === guard ? OTHER_MESSAGE : NEED_BYTES)
          } catch (error) {
            assert(error instanceof Refused, String(error))
          }
        }
      }),
      { numRuns: 5000 },
    )
  })

  test('refuses a value that is shorter or longer than its type, and a tuple that goes on behind its last field', () => {
    for (const [one, hex] of samples) {
      const decoder = decoderOf([one])
      if (one.wire.kind !== 'text' && one.wire.kind !== 'jsonb') {
        for (const other of [hex.slice(0, -2), `${hex}00`])
          assert.throws(() => decoder.run(tuple(other)), Refused, `${one.wire.kind} ${other}`)
      }
      const longer = Buffer.concat([tuple(hex), Buffer.of(0)])
      longer.writeInt32BE(longer.length - 1, 1)
      assert.throws(() => decoder.run(longer), Refused, one.wire.kind)
    }
    const ints = column(list(int(32)), { kind: 'array', item: { kind: 'int4' }, itemOid: 23 })
    // One dimension without its size, a negative size, another type of items.
    for (const hex of [
      '00000001 00000000 00000017',
      '00000001 00000000 00000017 ffffffff 00000001',
      '00000000 00000000 00000019',
    ]) {
      assert.throws(() => decoderOf([ints]).run(tuple(hex)), Refused, hex)
    }
    const [first] = samples
    assert.throws(() => decoderOf([first![0], first![0]]).run(tuple(first![1])), Refused)
  })

  test('a batch ends at its rows and before its bytes', () => {
    const text = [column(utf8, { kind: 'text' })]
    const rows = Buffer.concat(Array.from({ length: 10 }, () => tuple('78'.repeat(100))))
    assert.equal(decoderOf(text, 4).run(rows).state.rows, 4)
    const byBytes = decoderOf(text).run(rows, 350)
    assert.deepEqual([byBytes.status, byBytes.state.rows], [BATCH_FULL, 3])
    assert.equal(decoderOf(text).run(rows, 1).state.rows, 1)
  })

  test('the text of a numeric counts before it is written', () => {
    // 1e-16000 has two digits on the wire.
    const tiny = tuple('0001 f060 0000 3e80 0001')
    const decoder = decoderOf([column(numeric, { kind: 'numeric' })])
    const { state } = decoder.run(Buffer.concat(Array.from({ length: 20 }, () => tiny)), 100_000)
    assert.equal(state.rows, 6)
    assert(decoder.batch.byteLength <= 100_000)
    assert.equal(decoder.batch.row(0)[0], `0.${'0'.repeat(15_999)}1`)
  })

  for (const count of [24, 25, 100]) {
    test(`${count} columns`, () => {
      const many = Array.from({ length: count }, (_, at) => samples[at % samples.length]!)
      const decoder = decoderOf(many.map(([one]) => one))
      const message = Buffer.concat([
        tuple(...many.map(([, hex]) => hex)),
        tuple(...many.map(([, hex], at) => (at % 2 === 0 ? null : hex))),
      ])
      assert.equal(decoder.run(message).state.rows, 2)
      assert.deepEqual(
        decoder.batch.row(0),
        many.map(([, , value]) => value),
      )
      assert.deepEqual(
        decoder.batch.row(1),
        many.map(([, , value], at) => (at % 2 === 0 ? null : value)),
      )
    })
  }
})
