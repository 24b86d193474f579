/** JSON Lines. The first byte chooses whether unknown keys are passed over. */
import { isUtf8 } from 'node:buffer'
import { binary, bool, date, decimalType, float, int, json, timestamp, utf8, type Type } from '#columnar'
import { jsonlDecoder } from '../../../src/connectors/jsonl/decoder.ts'
import { JsonlFormat } from '../../../src/connectors/jsonl/format.ts'
import { behindFirst, bytesOf, choiceOf, type Target } from '../target.ts'
import { decodeRows, quarantined, sampleOf } from './text-rows.ts'

const types: readonly Type[] = [int(64), utf8, decimalType(9, 2), timestamp(true), date, float(64), bool, json, binary]
const schema = { fields: types.map((type, at) => ({ name: `c${at}`, type, nullable: true })) }
const decoders = [true, false].map(passesOver => jsonlDecoder(schema, ['c0', 'c1', 'x'], { binary: 'base64', passesOver }))
const format = new JsonlFormat({ columns: undefined, sampleRows: 100, quarantine: false, binary: 'base64' })

const plain =
  '{"c0":1,"c1":"a","c2":1.50,"c3":"2024-02-29T23:59:59.5Z","c4":"2024-02-29","c5":1e3,"c6":true,"c7":{"a":[1,null]},"c8":"AAEC"}\n'
const odd = ' { "c1" : "\\u00e9\\ud83d\\ude00\\n" , "c0" : "12", "c2":"-0.05", "c7" : "x", "c6": false, "c5": null }\r\n'

export const jsonl: Target = {
  name: 'jsonl',
  seeds: [plain, odd, `${plain}\n${odd}{}\n${plain}`, '{"c1":"x","x":[[]]}', '{"__proto__":{"a":1},"constructor":2}\n'].flatMap(
    text => decoders.map((_, at) => Buffer.concat([Buffer.of(at), Buffer.from(text)])),
  ),
  tokens: [
    ...[
      '"',
      '\\',
      '\\u',
      '\\ud800',
      '\\u0000',
      '{',
      '}',
      '[',
      ']',
      ':',
      ',',
      'null',
      '\n',
      '\r\n',
      '"__proto__":',
      '[['.repeat(600),
    ],
    ...['9'.repeat(40), '-', '1e400', '\ufeff', Buffer.of(0xff)],
  ],
  async run(input, cuts) {
    const rest = behindFirst(input)
    const places = cuts.map(at => at - 1)
    const decode = decoders[choiceOf(input, decoders.length)]!
    const found = await quarantined({ schema, decode, rescue: () => format.rescue(schema) }, rest, places)
    // A reader that sets nothing aside has looked at the bytes before.
    return isUtf8(bytesOf(rest)) ? [found, decodeRows(decode, schema, rest, places), sampleOf(format, rest)] : found
  },
  isStream: true,
}
