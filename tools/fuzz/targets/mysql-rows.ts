/** Binary rows of MySQL. The first byte chooses the columns: a few of every kind, and more than one function decodes. */
import { binary, bool, Column, date, decimalType, duration, float, int, numeric, timestamp, utf8, uuid } from '#columnar'
import type { Type } from '#columnar'
import { FIELD } from '../../../src/connectors/mysql/protocol/field-types.ts'
import { dateText } from '../../../src/connectors/mysql/protocol/refused-value.ts'
import { rowDecoder, STOP, type DecodeState, type WireColumn } from '../../../src/connectors/mysql/protocol/row-decoder.ts'
import { choiceOf, endsOf, hex, messageIn, rowsOf, type Placed, type Target } from '../target.ts'

const MOST_ROWS = 32
/** A first byte that makes one message of the rest; a multiple of the number of schemas. */
const FRAMED = 133
const column = (type: Type, field: number, maxBytes: number = 2 ** 32): WireColumn => ({
  type,
  field,
  maxBytes,
  zeroDates: 'refuse',
})

/** A column and one value as the manual writes it (protocol_binary_resultset_row_value). */
const kinds: readonly (readonly [wire: WireColumn, value: string])[] = [
  [column(utf8, FIELD.VAR_STRING), '03 666f6f'],
  [column(utf8, FIELD.VAR_STRING, 80), '03 666f6f'],
  [column(binary, FIELD.BLOB), 'fc 0400 00ff0001'],
  [column(int(64), FIELD.LONGLONG), '0100000000000000'],
  [column(int(32), FIELD.LONG), '01000000'],
  [column(int(16), FIELD.SHORT), '0100'],
  [column(int(8), FIELD.TINY), '01'],
  [column(float(64), FIELD.DOUBLE), '6666666666662440'],
  [column(float(32), FIELD.FLOAT), '33332341'],
  [column(date, FIELD.DATE), '04 da07 0a 11'],
  [column(timestamp(false), FIELD.DATETIME), '0b da07 0a 11 13 1b 1e 01000000'],
  [column(duration, FIELD.TIME), '0c 01 78000000 13 1b 1e 01000000'],
  [column(decimalType(12, 2), FIELD.NEWDECIMAL), '04 312e3530'],
  [column(decimalType(18, 0), FIELD.NEWDECIMAL), '02 2d37'],
  [column(decimalType(38, 10), FIELD.NEWDECIMAL), '0c 312e35303030303030303030'],
  [column(numeric, FIELD.NEWDECIMAL), '06 303030312e35'],
  [column(int(64, false), FIELD.BIT), '02 0101'],
  [column(bool, FIELD.BIT), '01 01'],
  [column(uuid, FIELD.STRING), `24 ${Buffer.from('01234567-89ab-cdef-0123-456789abcdef').toString('hex')}`],
  [column(binary, FIELD.GEOMETRY), '19 e6100000 01 01000000 0000000000000000 0000000000000000'],
]
const schemas = [
  kinds,
  kinds.slice(0, 3),
  kinds.slice(9, 12),
  kinds.slice(12, 16),
  kinds.slice(-1),
  kinds.slice(9, 10),
  Array.from({ length: 70 }, (_, at) => kinds[at % kinds.length]!),
]
const decoders = schemas.map(schema => rowDecoder(schema.map(([wire]) => wire)))

function headerOf(length: number, sequence = 1): Buffer {
  const header = Buffer.alloc(4)
  header.writeUIntLE(length, 0, 3)
  header[3] = sequence
  return header
}

const packet = (payload: Buffer, sequence: number) => Buffer.concat([headerOf(payload.length, sequence), payload])

const rowOf = (schema: typeof kinds) =>
  Buffer.concat([Buffer.alloc(1 + ((schema.length + 9) >> 3)), ...schema.map(([, value]) => hex(value))])

/** A row with all values, one without any, and the end of rows. */
function stream(schema: typeof kinds): Buffer {
  const bitmap = (schema.length + 9) >> 3
  const full = rowOf(schema)
  const empty = Buffer.concat([Buffer.alloc(1), Buffer.alloc(bitmap, 0xff)])
  return Buffer.concat([packet(full, 1), packet(empty, 2), packet(full, 3), packet(hex('fe 0000 0200'), 4)])
}

function run(input: Placed, cuts: readonly number[]): unknown {
  const choice = choiceOf(input, schemas.length)
  const wire = schemas[choice]!.map(([one]) => one)
  const placed = messageIn(input, headerOf)
  const { buffer, start } = placed
  const columns = wire.map(({ type }) => new Column(type, MOST_ROWS))
  const state: DecodeState = { rows: 0, position: start, isWhole: false, stop: STOP.MORE, need: 0, badColumn: -1 }
  for (const end of endsOf(placed, cuts)) {
    if (state.stop !== STOP.MORE) break
    decoders[choice]!(state, buffer, end, columns, MOST_ROWS, 4096)
  }
  const { stop, need, position, badColumn } = state
  const refused = stop === STOP.REFUSED ? dateText(wire, buffer, position, badColumn) : undefined
  return { rows: rowsOf(columns, state.rows), stop, need: stop === STOP.MORE ? need : 0, at: position - start, refused }
}

export const mysqlRows: Target = {
  name: 'mysql-rows',
  seeds: schemas.flatMap((schema, at) => [
    Buffer.concat([Buffer.of(at), stream(schema)]),
    ...Array.from({ length: 4 }, () => Buffer.concat([Buffer.of(FRAMED + at), rowOf(schema)])),
  ]),
  tokens: [hex('fb'), hex('fc ffff'), hex('fd ffffff'), hex('fe ffffffffffffffff'), hex('00 0000 00')],
  run,
  isStream: true,
}
