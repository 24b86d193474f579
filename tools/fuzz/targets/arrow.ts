/** Arrow IPC, streams and files, as a foreign writer makes them. */
import * as foreign from '@uwdata/flechette'
import { readIpc } from '#columnar'
import { bytesOf, hex, type Target } from '../target.ts'

const columns = {
  i: foreign.int64(),
  t: foreign.utf8(),
  b: foreign.bool(),
  d: foreign.decimal(12, 2, 128),
  day: foreign.dateMillisecond(),
  at: foreign.timestamp(foreign.TimeUnit.NANOSECOND, 'UTC'),
  l: foreign.list(foreign.utf8()),
  f: foreign.fixedSizeBinary(3),
  large: foreign.largeUtf8(),
}
const table = foreign.tableFromArrays(
  {
    i: [1n, null, -3n],
    t: ['a', 'é', null],
    b: [true, false, null],
    d: [1.5, null, -2.25],
    day: [new Date(0), null, new Date(86_400_000)],
    at: [0, 1000, null],
    l: [['x', null], [], null],
    f: [Uint8Array.of(1, 2, 3), null, Uint8Array.of(4, 5, 6)],
    large: ['y', '', null],
  },
  { types: columns },
)
const few = foreign.tableFromArrays({ t: ['a', null] }, { types: { t: foreign.utf8() } })
const encode = (one: foreign.Table, format: 'stream' | 'file') => foreign.tableToIPC(one, { format }) ?? new Uint8Array(0)

export const arrow: Target = {
  name: 'arrow',
  seeds: [table, few].flatMap(one => [encode(one, 'stream'), encode(one, 'file')]),
  tokens: [hex('ffffffff'), hex('00000000'), hex('ffffff7f'), hex('0000000000000080'), hex('ffffffffffffff7f'), 'ARROW1'],
  run(input) {
    // A place of its own for every input: buffers are read as views where they are aligned.
    const { schema, batches } = readIpc(bytesOf(input))
    return [schema, Array.from(batches, batch => Array.from({ length: batch.rows }, (_, row) => batch.row(row)))]
  },
}
