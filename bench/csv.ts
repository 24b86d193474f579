/**
 * How fast text files become columns and columns text files, in memory: `node bench/csv.ts [part of a name...]`.
 *
 * The tables of the other benchmarks, one batch of each; each figure is the best of many rounds. `memcpy` says what the machine
 * can do at that moment. For a look before and after a change; what counts in the end is the benchmark of whole jobs.
 */
import { Batch, parseTypeName, type Schema } from '#columnar'
import type { DecodeRows, EncodeRows } from '#files'
import { csvDecoder } from '../src/connectors/csv/decoder.ts'
import { csvEncoder } from '../src/connectors/csv/encoder.ts'
import { jsonlDecoder } from '../src/connectors/jsonl/decoder.ts'
import { jsonlEncoder } from '../src/connectors/jsonl/encoder.ts'
import type { Dataset } from './dataset.ts'
import { lineitem } from './lineitem.ts'
import { narrow } from './narrow.ts'

const ROWS = 16_384
const ROUNDS = 500
/** As files are read and written. */
const READ_BYTES = 512 * 1024
const WRITE_BYTES = 256 * 1024
const BATCH_BYTES = 2 * 1024 * 1024
const words = process.argv.slice(2)

const dialect = {
  delimiter: 0x2c,
  quote: 0x22,
  escape: 0x22,
  nullText: new Uint8Array(0),
  multiline: true,
  binary: 'hex',
} as const
const csvStyle = { ...dialect, header: false, quotes: 'minimal', lineEnding: 'lf' } as const
const jsonStyle = { integers: 'number', decimals: 'number', nonFinite: 'refuse', jsonNull: 'refuse', binary: 'base64' } as const

/** SQL words of the tables to ours. */
function schemaOf({ columns }: Dataset): Schema {
  const words: Record<string, string> = { bigint: 'int64', int: 'int32', timestamp: 'timestamp', date: 'date' }
  const typeOf = (type: string) => parseTypeName(type) ?? parseTypeName(words[type] ?? 'utf8')
  return { fields: columns.map(({ name, type }) => ({ name, type: typeOf(type)!, nullable: true })) }
}

function decodeAll(decode: DecodeRows, file: Uint8Array, batch: Batch, use: (batch: Batch) => void): void {
  const window = new Uint8Array(READ_BYTES + 8)
  for (let offset = 0; offset < file.length;) {
    const length = Math.min(READ_BYTES, file.length - offset)
    window.set(file.subarray(offset, offset + length))
    let pos = 0
    for (let isFull = true; isFull;) {
      const next = decode(batch, BATCH_BYTES, window, pos, length, length, offset + length === file.length)
      isFull = next < 0
      pos = isFull ? ~next : next
      if (!isFull && offset + length < file.length) continue
      use(batch)
      batch.reset()
    }
    offset += pos
  }
}

/** Returns the bytes written; `use` is lent each buffer that is full. */
function encodeAll(
  encode: EncodeRows,
  batches: readonly Batch[],
  out: Uint8Array<ArrayBuffer>,
  use: (bytes: Uint8Array) => void,
): void {
  let pos = 0
  for (const batch of batches) {
    for (let row = 0; row < batch.rows;) {
      const encoded = encode(batch, row, out, pos)
      pos = encoded.pos
      row = encoded.row
      if (row === batch.rows) continue
      use(out.subarray(0, pos))
      pos = 0
    }
  }
  use(out.subarray(0, pos))
}

function measure(name: string, bytes: number, run: () => void): void {
  if (words.length > 0 && !words.some(word => name.includes(word))) return
  let best = Infinity
  for (let round = 0; round < ROUNDS; round++) {
    const started = performance.now()
    run()
    best = Math.min(best, performance.now() - started)
  }
  const [rate, speed] = [ROWS / best / 1000, bytes / best / 1000]
  console.log(`${name.padEnd(24)} ${rate.toFixed(2).padStart(8)} M rows/s ${speed.toFixed(0).padStart(8)} MB/s`)
}

for (const dataset of [narrow, lineitem]) {
  const schema = schemaOf(dataset)
  const places = [...schema.fields.keys()]
  const csv = new Uint8Array(Buffer.from([...dataset.lines(ROWS)].join('\n') + '\n'))
  const batches: Batch[] = []
  // Each batch is kept, so each is a new one.
  for (let pos = 0; pos < csv.length;) {
    const batch = new Batch(schema, 16_384)
    const room = new Uint8Array(csv.length - pos + 8)
    room.set(csv.subarray(pos))
    const next = csvDecoder(schema, places, dialect)(batch, Infinity, room, 0, csv.length - pos, csv.length - pos, true)
    pos += next < 0 ? ~next : next
    batches.push(batch)
  }
  const out = new Uint8Array(WRITE_BYTES)
  const jsonEncode = jsonlEncoder(schema, dataset.name, jsonStyle)
  const parts: Buffer[] = []
  encodeAll(jsonEncode, batches, out, bytes => parts.push(Buffer.from(bytes)))
  const json = new Uint8Array(Buffer.concat(parts))
  const csvEncode = csvEncoder(schema, csvStyle)
  const [csvDecode, jsonDecode] = [
    csvDecoder(schema, places, dialect),
    jsonlDecoder(schema, [], { binary: 'base64', passesOver: false }),
  ]
  const batch = new Batch(schema, 16_384)
  const copy = new Uint8Array(csv.length)
  measure(`${dataset.name} memcpy`, csv.length, () => copy.set(csv))
  measure(`${dataset.name} csv decode`, csv.length, () => decodeAll(csvDecode, csv, batch, () => {}))
  measure(`${dataset.name} csv encode`, csv.length, () => encodeAll(csvEncode, batches, out, () => {}))
  measure(`${dataset.name} jsonl decode`, json.length, () => decodeAll(jsonDecode, json, batch, () => {}))
  measure(`${dataset.name} jsonl encode`, json.length, () => encodeAll(jsonEncode, batches, out, () => {}))
}
