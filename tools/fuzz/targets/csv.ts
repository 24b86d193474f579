/** CSV. The first byte chooses the dialect. */
import { isUtf8 } from 'node:buffer'
import { bool, date, decimalType, float, int, json, timestamp, utf8, type Type } from '#columnar'
import { csvDecoder } from '../../../src/connectors/csv/decoder.ts'
import type { CsvDialect } from '../../../src/connectors/csv/dialect.ts'
import { CsvFormat } from '../../../src/connectors/csv/format.ts'
import { behindFirst, bytesOf, choiceOf, type Target } from '../target.ts'
import { decodeRows, quarantined, sampleOf } from './text-rows.ts'

const types: readonly Type[] = [int(64), utf8, decimalType(9, 2), timestamp(true), date, float(64), bool, json, int(8)]
const schema = { fields: types.map((type, at) => ({ name: `c${at}`, type, nullable: true })) }

const rfc4180 = {
  delimiter: 0x2c,
  quote: 0x22,
  escape: 0x22,
  nullText: new Uint8Array(0),
  multiline: true,
  binary: 'hex',
} as const
const dialects: readonly CsvDialect[] = [
  rfc4180,
  { ...rfc4180, escape: 0x5c },
  { ...rfc4180, quote: undefined, escape: undefined },
  { ...rfc4180, multiline: false, nullText: Buffer.from('\\N') },
]
const decoders = dialects.map(dialect => csvDecoder(schema, [...types.keys()], dialect))
const formats = dialects.map(
  dialect => new CsvFormat({ dialect, header: true, columns: undefined, sampleRows: 100, quarantine: false }),
)

const row = '1,a b,1.50,2024-02-29 23:59:59.5Z,2024-02-29,1e3,true,{},-7\n'
const quoted = '"1","a ""b"",\nc","1.50",,,"NaN","f","[1,""x""]","12"\r\n'

export const csv: Target = {
  name: 'csv',
  seeds: [
    row,
    quoted,
    `${row}${quoted},,,,,,,,\n${row}`,
    `c0,c1,c2,c3,c4,c5,c6,c7,c8\n${row}`,
    'a\n1\n2',
    '1,"a\\"b",,,,,,,',
  ].flatMap(text => dialects.map((_, at) => Buffer.concat([Buffer.of(at), Buffer.from(text)]))),
  tokens: ['"', '""', '\\', '\n', '\r\n', '\r', ',', '9'.repeat(40), '-', '1e400', '\\N', '\ufeff', Buffer.of(0xff)],
  async run(input, cuts) {
    const choice = choiceOf(input, dialects.length)
    const rest = behindFirst(input)
    const places = cuts.map(at => at - 1)
    const format = formats[choice]!
    const decode = decoders[choice]!
    const rescue = () => format.rescue(schema, { length: 0, names: undefined })
    const found = await quarantined({ schema, decode, rescue }, rest, places)
    // A reader that sets nothing aside has looked at the bytes before.
    return isUtf8(bytesOf(rest)) ? [found, decodeRows(decode, schema, rest, places), sampleOf(format, rest)] : found
  },
  isStream: true,
}
