/**
 * Nanoseconds per value of casts, text and slabs: `node bench/columnar.ts [part of a name...]`.
 *
 * One batch of 16,384 rows, as the engine moves them; each figure is the fastest of several rounds. For a look before and after a
 * change, on one machine; what counts in the end is the benchmark of whole jobs.
 */
import {
  Batch,
  BATCH_ROWS,
  Column,
  compileCast,
  packBatch,
  parseTypeName,
  renderOf,
  scanOf,
  unpackBatch,
  writeValue,
  type Type,
  type Value,
} from '#columnar'

const ROUNDS = 100
const REPEATS = 3
const words = process.argv.slice(2)

/** Prints the least time that one value has taken. */
function measure(name: string, run: () => void): void {
  if (words.length > 0 && !words.some(word => name.includes(word))) return
  let best = Infinity
  for (let round = 0; round < ROUNDS; round++) {
    const started = performance.now()
    for (let i = 0; i < REPEATS; i++) run()
    best = Math.min(best, (performance.now() - started) / REPEATS)
  }
  console.log(`${name.padEnd(44)} ${((best * 1e6) / BATCH_ROWS).toFixed(1).padStart(8)} ns`)
}

const typed = (name: string): Type => {
  const type = parseTypeName(name)
  if (type === undefined) throw new Error(`no type ${name}`)
  return type
}

function columnOf(type: Type, value: (row: number) => Value): Column {
  const column = new Column(type, BATCH_ROWS)
  for (let row = 0; row < BATCH_ROWS; row++) writeValue(column, row, value(row))
  return column
}

const pad = (value: number) => String(value).padStart(2, '0')
/** Values as they occur: small keys, prices, days of some years. */
const samples: Readonly<Record<string, (row: number) => Value>> = {
  bool: row => row % 3 === 0,
  int16: row => row % 1000,
  int32: row => row * 131,
  int64: row => BigInt(row) * 100_003n,
  'int64 large': row => 9_000_000_000_000_000_000n + BigInt(row),
  float64: row => (row * 37) / 100,
  'float64 long': row => Math.sqrt(row),
  'decimal(12,2)': row => `${row}.${pad(row % 100)}`,
  'decimal(15,4)': row => `${row}.${pad(row % 100)}00`,
  'decimal(38,4)': row => `${row}0000000000000000000.${pad(row % 100)}00`,
  numeric: row => `${row}.${pad(row % 100)}`,
  utf8: row => `text number ${row}`,
  date: row => `20${pad(row % 30)}-${pad((row % 12) + 1)}-${pad((row % 28) + 1)}`,
  time: row => `${pad(row % 24)}:${pad(row % 60)}:01`,
  timestamp: row => `20${pad(row % 30)}-${pad((row % 12) + 1)}-${pad((row % 28) + 1)} ${pad(row % 24)}:00:00`,
  'timestamp µs': row => `20${pad(row % 30)}-${pad((row % 12) + 1)}-${pad((row % 28) + 1)} ${pad(row % 24)}:00:00.123456`,
  uuid: row => `01234567-89ab-cdef-0123-${String(row).padStart(12, '0')}`,
}
const sample = (name: string): Column => columnOf(typed(name.split(' ')[0] ?? ''), samples[name] ?? (() => null))

for (const [name, to] of [
  ['int32', 'int64'],
  ['int64', 'int32'],
  ['int64', 'uint64'],
  ['bool', 'int16'],
  ['int32', 'decimal(12,2)'],
  ['int64', 'decimal(38,4)'],
  ['int32', 'float64'],
  ['int64', 'float64'],
  ['float64', 'decimal(12,2)'],
  ['decimal(12,2)', 'decimal(15,4)'],
  ['decimal(15,4)', 'decimal(12,2)'],
  ['decimal(12,2)', 'decimal(38,4)'],
  ['decimal(12,2)', 'float64'],
  ['decimal(12,2)', 'numeric'],
  ['numeric', 'decimal(12,2)'],
  ['int64', 'utf8'],
  ['utf8', 'binary'],
  ['date', 'timestamp'],
  ['timestamp', 'timestamptz'],
  ['uuid', 'utf8'],
] as const) {
  const source = sample(name)
  const target = new Column(typed(to), BATCH_ROWS)
  const cast = compileCast(source.type, target.type)
  measure(`cast ${name} → ${to}`, () => {
    const refused = cast(source, BATCH_ROWS, target)
    if (refused !== -1) throw new Error(`${name} → ${to}: row ${refused}`)
  })
}

for (const name of Object.keys(samples)) {
  const source = sample(name)
  const text = new Column(typed('utf8'), BATCH_ROWS)
  const render = renderOf(source.type)
  const scan = scanOf(source.type)
  if (render === undefined || scan === undefined) continue
  const renderAll = () => {
    let pos = 0
    text.reserve(0, BATCH_ROWS * 64)
    for (let row = 0; row < BATCH_ROWS; row++) text.offsets[row + 1] = pos = render(text.data, pos, source, row)
  }
  renderAll()
  measure(`render ${name}`, renderAll)
  const target = new Column(source.type, BATCH_ROWS)
  measure(`scan ${name}`, () => {
    target.reset()
    for (let row = 0; row < BATCH_ROWS; row++) {
      if (!scan(text.data, text.offsets[row] ?? 0, text.offsets[row + 1] ?? 0, target, row))
        throw new Error(`${name}: row ${row}`)
    }
  })
}

const narrow = ['int64', 'int32', 'utf8', 'timestamp', 'decimal(12,2)']
const fields = narrow.map(name => ({ name, type: typed(name), nullable: true }))
const batch = new Batch({ fields }, BATCH_ROWS, narrow.map(sample))
batch.rows = BATCH_ROWS
const slab = packBatch(batch)
measure('slab pack, a narrow row', () => packBatch(batch, slab))
measure('slab unpack, a narrow row', () => unpackBatch(batch.schema, slab))
