/** Binary COPY of PostgreSQL. The first byte chooses the columns: some of every kind, and more than one function decodes. */
import { Batch, float, int, json, list, numeric, parseTypeName, timestamp, utf8 } from '#columnar'
import { compileDecoder, NEED_BYTES, type DecodedColumn } from '../../../src/connectors/postgres/decode.ts'
import { postgresErrors } from '../../../src/connectors/postgres/errors.ts'
import type { ScalarWire } from '../../../src/connectors/postgres/types.ts'
import { choiceOf, endsOf, hex, messageIn, rowsOf, type Placed, type Target } from '../target.ts'

const MOST_ROWS = 32
/** A first byte that makes one message of the rest; a multiple of the number of schemas. */
const FRAMED = 132
const named = (name: string) => parseTypeName(name) ?? utf8
const scalar = (type: DecodedColumn['type'], kind: ScalarWire): DecodedColumn => ({ type, wire: { kind } })
const array = (type: DecodedColumn['type'], kind: ScalarWire, itemOid: number): DecodedColumn => ({
  type: list(type),
  wire: { kind: 'array', item: { kind }, itemOid },
})

/** A column and one value as a server sends it. */
const kinds: readonly (readonly [column: DecodedColumn, value: string])[] = [
  [scalar(int(32), 'int4'), 'fffffffe'],
  [scalar(int(16), 'int2'), '7fff'],
  [scalar(int(64), 'int8'), '7fffffffffffffff'],
  [scalar(named('bool'), 'bool'), '01'],
  [scalar(float(32), 'float4'), '3fc00000'],
  [scalar(float(64), 'float8'), '3ff8000000000000'],
  [scalar(utf8, 'text'), '6162c3a9'],
  [scalar(named('binary'), 'bytea'), '00ff'],
  [scalar(json, 'jsonb'), '017b7d'],
  [scalar(named('date'), 'date'), '00000001'],
  [scalar(named('time'), 'time'), '0000000000000001'],
  [scalar(timestamp(false), 'timestamp'), '0000000000000001'],
  [scalar(named('interval'), 'interval'), '0000000000000001 00000002 00000003'],
  [scalar(named('uuid'), 'uuid'), '000102030405060708090a0b0c0d0e0f'],
  [scalar(named('decimal(12,2)'), 'numeric'), '0002 0000 4000 0002 0001 1388'],
  [scalar(named('decimal(38,2)'), 'numeric'), '0002 0000 4000 0002 0001 1388'],
  [scalar(numeric, 'numeric'), '0002 0000 4000 0003 0001 1388'],
  [array(utf8, 'text', 25), '00000001 00000001 00000019 00000002 00000001 00000001 78 ffffffff'],
  [array(int(32), 'int4', 23), '00000001 00000000 00000017 00000001 00000001 00000004 00000007'],
  [array(numeric, 'numeric', 1700), '00000001 00000000 000006a4 00000001 00000001 0000000a 0001 0000 0000 0000 0007'],
]
const schemas = [
  kinds,
  kinds.slice(6, 9),
  kinds.slice(14, 17),
  kinds.slice(17),
  kinds.slice(-1),
  Array.from({ length: 30 }, (_, at) => kinds[at % kinds.length]!),
]
const decoders = schemas.map(schema => compileDecoder(schema.map(([column]) => column)))

const length = (value: number, bytes: 2 | 4) => hex(value < 0 ? 'ffffffff' : value.toString(16).padStart(bytes * 2, '0'))
const headerOf = (bytes: number) => Buffer.concat([Buffer.from('d'), length(bytes + 4, 4)])

function tuple(values: readonly (Buffer | undefined)[]): Buffer {
  const fields = values.flatMap(value => [length(value?.length ?? -1, 4), value ?? Buffer.alloc(0)])
  const body = Buffer.concat([length(values.length, 2), ...fields])
  return Buffer.concat([headerOf(body.length), body])
}

const stream = (schema: typeof kinds): Buffer =>
  Buffer.concat([
    tuple(schema.map(([, value]) => hex(value))),
    tuple(schema.map(() => undefined)),
    tuple(schema.map(([, value]) => hex(value))),
    hex('64 00000006 ffff 63 00000004'),
  ])

const fail = (what: string, column: number): never => {
  throw postgresErrors.protocol({ place: 'orders', what: `${what} in column ${column}` })
}

function run(input: Placed, cuts: readonly number[]): unknown {
  const choice = choiceOf(input, schemas.length)
  const placed = messageIn(input, headerOf)
  const { buffer, start } = placed
  const fields = schemas[choice]!.map(([{ type }], at) => ({ name: `c${at}`, type, nullable: true }))
  const batch = new Batch({ fields }, MOST_ROWS)
  const decode = decoders[choice]!(batch.columns)
  const state = { rows: 0, bytes: 0, need: 0 }
  const unread = { buffer, start, end: start }
  const refused: unknown[] = []
  let status = NEED_BYTES
  for (const end of endsOf(placed, cuts)) {
    unread.end = end
    status = decode(unread, state, MOST_ROWS, 4096, fail, (...what) => refused.push(what))
    if (status !== NEED_BYTES) break
  }
  return {
    rows: rowsOf(batch.columns, state.rows),
    refused,
    status,
    need: status === NEED_BYTES ? state.need : 0,
    at: unread.start - start,
  }
}

export const postgresCopy: Target = {
  name: 'postgres-copy',
  seeds: schemas.flatMap((schema, at) => [
    Buffer.concat([Buffer.of(at), stream(schema)]),
    ...Array.from({ length: 4 }, () =>
      Buffer.concat([Buffer.of(FRAMED + at), tuple(schema.map(([, value]) => hex(value))).subarray(5)]),
    ),
  ]),
  tokens: [hex('ffffffff'), hex('7fffffff'), hex('80000000'), hex('c000'), hex('d000'), hex('64')],
  run,
  isStream: true,
}
