/** Slabs. They never leave the process, so a damaged one is our fault: `columnar.bad-slab` is the one error that may say so. */
import assert from 'node:assert/strict'
import { Batch, bool, decimalType, int, list, packBatch, unpackBatch, utf8, writeValue, type Value } from '#columnar'
import { SluiceError } from '#errors'
import { bytesOf, hex, rowsOf, type Target } from '../target.ts'

const types = [int(64), utf8, bool, decimalType(30, 2), list(utf8)]
const schema = { fields: types.map((type, at) => ({ name: `c${at}`, type, nullable: true })) }
const rows: readonly Value[][] = [
  [1n, 'a', true, '1.50', ['x', null]],
  [null, 'é', null, null, []],
  [-1n, null, false, '-0.05', null],
]

function slabOf(kinds: Uint8Array<ArrayBuffer> | undefined): Uint8Array {
  const batch = new Batch(schema, rows.length)
  for (const [row, values] of rows.entries()) for (const [k, value] of values.entries()) writeValue(batch.columns[k]!, row, value)
  batch.rows = rows.length
  batch.kinds = kinds
  return new Uint8Array(packBatch(batch))
}

export const slab: Target = {
  name: 'slab',
  seeds: [slabOf(undefined), slabOf(Uint8Array.of(0, 3, 2))],
  tokens: [hex('ffffffff'), hex('ffffff7f'), hex('00000080')],
  run(input) {
    try {
      const batch = unpackBatch(schema, Uint8Array.from(bytesOf(input)).buffer)
      return rowsOf(batch.columns, batch.rows)
    } catch (error) {
      assert(SluiceError.is(error, 'columnar.bad-slab'), String(error))
      return error.message
    }
  },
}
