/** Rows that are passed on undecoded: messages as the manual lays them out, cut and spoiled in every way. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { EncodedBatch } from '#columnar'
import { CopyData, copyRows, encodingOf } from './copy-data.ts'
import { BATCH_FULL, NEED_BYTES, OTHER_MESSAGE } from './decode.ts'

// CopyData: 'd', Int32 length with itself; tuple: Int16 fields, then Int32 length and bytes of each, -1 for NULL.
const head = (length: string) => `64 ${length}`
const FIRST = '0002 00000004 fffffffe 00000003 616263'
const SECOND = '0002 ffffffff 00000000'
const ROWS = `${head('00000015')} ${FIRST} ${head('0000000e')} ${SECOND}`
const TRAILER = `${head('00000006')} ffff`
const DONE = '63 00000004' // CopyDone

const bytes = (hex: string) => Buffer.from(hex.replaceAll(/\s/g, ''), 'hex')

class Broken extends Error {}

const fail = (what: string): never => {
  throw new Broken(what)
}

function take(data: CopyData, buffer: Buffer, { rows = 0, maxRows = 100, maxBytes = 1e9 } = {}) {
  const unread = { buffer, start: 0, end: buffer.length }
  const state = { rows, bytes: 0, need: 0 }
  const status = data.take(unread, state, maxRows, maxBytes, fail, fail)
  return { status, rows: state.rows, need: state.need, rest: buffer.length - unread.start }
}

function passedOn(rows: Buffer, room: number): Buffer {
  const batch = new EncodedBatch({ fields: [] }, 100, () => [])
  batch.hold(rows, 2, 0)
  const state = { row: 0, at: 0, need: 0, order: 0 }
  const parts: Buffer[] = []
  while (state.at < rows.length) {
    const out = Buffer.alloc(Math.max(room, state.need))
    parts.push(out.subarray(0, copyRows(batch, out, 0, state)))
  }
  assert.equal(state.row, 2)
  return Buffer.concat(parts)
}

describe('rows that are passed on', () => {
  test('leave the heads of their messages behind, and nothing else', () => {
    const data = new CopyData(2)
    assert.deepEqual(take(data, bytes(ROWS + TRAILER + DONE)), { status: OTHER_MESSAGE, rows: 2, need: 0, rest: 5 })
    assert.deepEqual(data.rows, bytes(ROWS))
    assert.deepEqual(data.lastRow, bytes(head('0000000e') + SECOND))
    for (const room of [1, 17, 18, 100]) assert.deepEqual(passedOn(data.rows, room), bytes(FIRST + SECOND))
  })

  test('are whole, wherever the stream is cut', () => {
    const stream = bytes(ROWS + TRAILER)
    fc.assert(
      fc.property(fc.integer({ min: 0, max: stream.length }), cut => {
        const data = new CopyData(2)
        const before = take(data, stream.subarray(0, cut))
        assert.equal(before.status, NEED_BYTES)
        assert(before.need > before.rest)
        const after = take(data, stream.subarray(cut - before.rest), { rows: before.rows })
        assert.equal(after.rows, 2)
        assert.deepEqual(data.rows, bytes(ROWS))
      }),
    )
  })

  test('end a batch at its rows and before its bytes, and one row always fits', () => {
    const stream = bytes(ROWS)
    for (const limits of [{ maxRows: 1 }, { maxBytes: 30 }, { maxBytes: 1 }]) {
      const data = new CopyData(2)
      assert.deepEqual(take(data, stream, limits), { status: BATCH_FULL, rows: 1, need: 0, rest: 15 })
      assert.deepEqual(data.rows, bytes(head('00000015') + FIRST))
    }
  })

  test('are refused when their lengths contradict each other', () => {
    const wrong = [
      ['00000015', '0003 00000004 fffffffe 00000003 616263', /3 fields/],
      ['00000015', '0002 00000005 fffffffe 00000003 616263', /too short|wrong length/],
      ['00000015', '0002 00000003 fffffffe 00000003 616263', /bytes|wrong length|too short/],
      ['00000015', '0002 00000004 fffffffe fffffffe 616263', /-2 bytes/],
      ['00000015', '0002 7fffffff fffffffe 00000003 616263', /too short|wrong length/],
      ['0000000a', '0002 00000004', /too short/],
      ['00000005', '00', /too short/],
    ] as const
    for (const [length, tuple, message] of wrong) {
      assert.throws(() => take(new CopyData(2), bytes(`${head(length)} ${tuple} 000000000000`)), { message }, tuple)
    }
  })
})

test('an encoding names the forms of all fields, and there is none for arrays', () => {
  assert.equal(encodingOf([{ kind: 'int4' }, { kind: 'text' }]), 'PostgreSQL binary COPY: int4 text')
  assert.equal(encodingOf([{ kind: 'int4' }, { kind: 'array', item: { kind: 'int4' }, itemOid: 23 }]), undefined)
})
