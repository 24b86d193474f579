/** RFC 8259 and https://jsonlines.org, and everything that is neither; JSON.parse is the foreign reader. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import {
  Batch,
  binary,
  bool,
  date,
  decimalType,
  float,
  int,
  json,
  numeric,
  timestamp,
  utf8,
  uuid,
  type Type,
  type Value,
} from '#columnar'
import { RowFault, type DecodeRows } from '#files'
import { jsonlDecoder } from './decoder.ts'

type Types = Record<string, Type>

const schemaOf = (types: Types) => ({ fields: Object.entries(types).map(([name, type]) => ({ name, type, nullable: true })) })
const rules = { binary: 'base64', passesOver: false } as const

interface Cut {
  readonly windowBytes?: number
  readonly capacity?: number
  readonly order?: readonly string[]
  readonly passesOver?: boolean
}

function decode(
  text: string,
  types: Types,
  { windowBytes = Infinity, capacity = 100, order = [], passesOver = false }: Cut = {},
): Value[][] {
  return decodeBy(jsonlDecoder(schemaOf(types), order, { ...rules, passesOver }), text, types, windowBytes, capacity)
}

function decodeBy(decoder: DecodeRows, text: string, types: Types, windowBytes: number, capacity: number): Value[][] {
  const file = Buffer.from(text)
  const batch = new Batch(schemaOf(types), capacity)
  const rows: Value[][] = []
  for (let start = 0, length = windowBytes; ;) {
    const end = Math.min(file.length, start + length)
    const bytes = new Uint8Array(end - start + 8).fill(0x30)
    bytes.set(file.subarray(start, end))
    const next = decoder(batch, Infinity, bytes, 0, end - start, end - start, end === file.length)
    const moved = next < 0 ? ~next : next
    length = moved === 0 ? length + windowBytes : windowBytes
    start += moved
    const isOver = start === file.length && next >= 0
    // As long as it has room, a batch is filled from one window after the other.
    if (next >= 0 && !isOver) continue
    for (let row = 0; row < batch.rows; row++) rows.push(batch.row(row))
    for (const column of batch.columns)
      assert.equal(column.nulls, Array.from({ length: batch.rows }, (_, row) => column.isNull(row)).filter(Boolean).length)
    batch.reset()
    if (isOver) return rows
  }
}

const two: Types = { a: int(64), b: utf8 }

describe('lines', () => {
  const cases: [name: string, text: string, expected: Value[][]][] = [
    [
      'the common form',
      '{"a":1,"b":"x"}\n{"a":2,"b":"y"}\n',
      [
        [1n, 'x'],
        [2n, 'y'],
      ],
    ],
    [
      'the last line may have no line ending',
      '{"a":1,"b":"x"}\n{"a":2,"b":"y"}',
      [
        [1n, 'x'],
        [2n, 'y'],
      ],
    ],
    [
      'CRLF',
      '{"a":1,"b":"x"}\r\n{"a":2,"b":"y"}\r\n',
      [
        [1n, 'x'],
        [2n, 'y'],
      ],
    ],
    [
      'blank lines',
      '\n{"a":1,"b":"x"}\n \r\n\n{"a":2,"b":"y"}\n\n',
      [
        [1n, 'x'],
        [2n, 'y'],
      ],
    ],
    ['white space as Python writes it', '{"a": 1, "b": "x"}\n', [[1n, 'x']]],
    ['white space everywhere', ' {\t"a" : 1 , "b"  :\t"x" } \n', [[1n, 'x']]],
    [
      'other orders',
      '{"b":"x","a":1}\n{"a":2,"b":"y"}\n{"b":"z","a":3}\n',
      [
        [1n, 'x'],
        [2n, 'y'],
        [3n, 'z'],
      ],
    ],
    [
      'missing keys',
      '{"a":1}\n{"b":"y"}\n{}\n{ }\n',
      [
        [1n, null],
        [null, 'y'],
        [null, null],
        [null, null],
      ],
    ],
    [
      'null',
      '{"a":null,"b":null}\n{"b":null}\n',
      [
        [null, null],
        [null, null],
      ],
    ],
    ['keys with escapes', '{"\\u0061":1,"b":"x"}\n', [[1n, 'x']]],
    ['escapes', '{"a":1,"b":"\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00"}\n', [[1n, '"\\/\b\f\n\r\té😀']]],
    ['characters of two, three and four bytes', '{"a":1,"b":"é中😀"}\n', [[1n, 'é中😀']]],
    ['integers as strings', '{"a":"9223372036854775807","b":""}\n', [[2n ** 63n - 1n, '']]],
    [
      'integers beyond 2^53',
      '{"a":9007199254740993,"b":"x"}\n{"a":-9223372036854775808}\n',
      [
        [9007199254740993n, 'x'],
        [-(2n ** 63n), null],
      ],
    ],
  ]
  for (const [name, text, expected] of cases) {
    test(name, () => {
      assert.deepEqual(decode(text, two), expected)
      for (const order of [['b', 'a'], ['b']]) assert.deepEqual(decode(text, two, { order }), expected)
      for (let windowBytes = 1; windowBytes <= Math.min(text.length, 40); windowBytes++) {
        assert.deepEqual(decode(text, two, { windowBytes, capacity: 2 }), expected, `in windows of ${windowBytes} bytes`)
      }
    })
  }

  test('keys that are no columns are passed over where columns were chosen', () => {
    const text = '{"x":[1,{"y":2}],"a":1,"z":"\\n","b":"x"}\n{"a":2,"w":3,"b":"y"}\n'
    for (const order of [[], ['x', 'a', 'z', 'b']])
      assert.deepEqual(decode(text, two, { order, passesOver: true }), [
        [1n, 'x'],
        [2n, 'y'],
      ])
  })

  test('names that need escapes', () => {
    const types: Types = { 'a"b\\': int(32), '中\n': utf8 }
    const line = JSON.stringify({ 'a"b\\': 5, '中\n': 'x' })
    assert.deepEqual(decode(`${line}\n`, types), [[5, 'x']])
  })

  test('many keys that are no columns are passed over, many that are missing are NULL', () => {
    const names = Array.from({ length: 60 }, (_, at) => `c${at}`)
    const types: Types = Object.fromEntries(names.map((name, at) => [name, at % 2 === 0 ? int(32) : utf8]))
    const members = names.flatMap((name, at) => [`"x${at}":{"y":[1]}`, `"${name}": ${at % 2 === 0 ? at : `"${at}"`}`])
    const order = members.map(member => member.slice(1, member.indexOf('":')))
    const row = names.map((_, at) => (at % 2 === 0 ? at : `${at}`))
    const text = [members.join(), members.toReversed().join(', '), members.slice(0, 60).join(), ''].map(line => `{${line}}\n`)
    const half = row.map((value, at) => (at < 30 ? value : null))
    const expected = [row, row, half, row.map(() => null)]
    for (const windowBytes of [Infinity, 100])
      assert.deepEqual(decode(text.join(''), types, { order, passesOver: true, windowBytes }), expected)
    for (const line of ['{"c0":1,}', '{"c0":1', '{,"c0":1}', '{"c0":1 "c1":""}'])
      assert.throws(() => decode(`${line}\n`, types), { name: 'RowFault' }, line)
  })
})

describe('values', () => {
  const cases: [type: Type, good: Record<string, Value>, bad: string[]][] = [
    [
      int(32),
      { '2147483647': 2147483647, '-2147483648': -2147483648, '0': 0, '-0': 0, '"7"': 7 },
      ['2147483648', '1.5', 'true', '"x"', '[1]', '{}'],
    ],
    [int(8, false), { '255': 255 }, ['256', '-1']],
    [int(64), { '-1': -1n, '999999999999999999': 999999999999999999n }, ['9223372036854775808', '1.0', '""']],
    [float(64), { '0.1': 0.1, '-1E+2': -100, '0': 0, '"NaN"': NaN, '"-Infinity"': -Infinity }, ['1e999', 'true', '"x"']],
    [decimalType(9, 2), { '12.5': '12.50', '-0.05': '-0.05', '1e2': '100.00', '"1.25"': '1.25' }, ['0.001', '12345678.9']],
    [numeric, { '123456789012345678901234567890.123': '123456789012345678901234567890.123' }, ['true']],
    [bool, { true: true, false: false, '"true"': true }, ['"maybe"', '2', '[]']],
    [utf8, { '"x"': 'x', '""': '' }, ['1', 'true', '[]', '"\\ud800"', '"\\udc00x"']],
    [date, { '"2024-02-29"': '2024-02-29' }, ['"2023-02-29"', '20240229']],
    [
      timestamp(false),
      { '"2024-02-29T23:59:59.5"': '2024-02-29 23:59:59.500000', '"2024-02-29 00:00:00"': '2024-02-29 00:00:00' },
      ['"x"', '1'],
    ],
    [
      timestamp(true),
      { '"2024-01-01T00:00:00Z"': '2024-01-01 00:00:00Z', '"2024-01-01T02:00:00+02:00"': '2024-01-01 00:00:00Z' },
      ['1'],
    ],
    [uuid, { '"01234567-89ab-cdef-0123-456789abcdef"': '01234567-89ab-cdef-0123-456789abcdef' }, ['"x"']],
    [binary, { '"AP8="': Buffer.from([0, 255]), '""': Buffer.alloc(0) }, ['"AP8"', '1']],
    [json, { '[1, {"a": 1.50}]': '[1, {"a": 1.50}]', '"x"': '"x"', '12.0': '12.0', true: 'true', '{}': '{}' }, []],
  ]
  for (const [type, good, bad] of cases) {
    test(JSON.stringify(type), () => {
      const types = { v: type, w: type }
      const names = Array.from({ length: 30 }, (_, at) => `c${at}`)
      const many = Object.fromEntries(names.map(name => [name, type]))
      for (const [text, expected] of Object.entries(good)) {
        const rows = decode(`{"v":${text},"w":${text}}\n{"w": ${text} ,"v": ${text}}\n{"v":null}`, types)
        const plain = rows.map(row => row.map(value => (value instanceof Uint8Array ? Buffer.from(value) : value)))
        assert.deepEqual(
          plain,
          [
            [expected, expected],
            [expected, expected],
            [null, null],
          ],
          text,
        )
        const line = (value: string, colon = ':') => `{${names.map(name => `"${name}"${colon}${value}`).join()}}\n`
        assert.deepEqual(
          decode(line(text) + line('null') + line(text, ' : '), many),
          [0, 2, 0].map(at => Array(30).fill(rows[at]?.[0])),
          text,
        )
      }
      for (const text of bad) {
        for (const line of [`{"v":${text},"w":null}\n`, `{"v":null,"w":${text}}\n`, `{"v":null, "w" : ${text} }`]) {
          assert.throws(() => decode(line, types), { name: 'RowFault', message: /^the value is no / }, line)
          assert.throws(() => decode(line, { ...many, ...types }), { name: 'RowFault', message: /^the value is no / }, line)
        }
      }
    })
  }
})

describe('malformed lines', () => {
  const cases: [name: string, text: string, at: number, reason: RegExp][] = [
    ['no object', '{"a":1}\n[1]\n', 8, /not a JSON object/],
    ['a number', '5', 0, /not a JSON object/],
    ['an object that is cut off', '{"a":1,"b":"x"\n{"a":2}\n', 14, /comma or the end/],
    ['an object over two lines', '{"a":1,\n"b":"x"}\n', 7, /key and a colon/],
    ['a nested object over two lines', '{"a":1,"b":{\n}}\n', 11, /not JSON/],
    ['a comma too many', '{"a":1,}\n', 7, /key and a colon/],
    ['a comma too few', '{"a":1 "b":2}\n', 7, /comma or the end/],
    ['two objects', '{"a":1}{"a":2}\n', 7, /something follows/],
    ['text behind an object', '{} x\n', 3, /something follows/],
    ['a string that is never closed', '{"a":1,"b":"x}\n', 11, /not JSON/],
    ['a control character in a string', '{"a":1,"b":"x\ty"}\n', 11, /not JSON/],
    ['an escape that is none', '{"a":1,"b":"\\x"}\n', 11, /not JSON/],
    ['leading zeros', '{"a":01,"b":"x"}\n', 5, /comma or the end|not JSON/],
    ['a number without digits', '{"a":-,"b":"x"}\n', 5, /not JSON/],
    ['NaN', '{"a":NaN}\n', 5, /not JSON/],
    ['a plus', '{"a":+1}\n', 5, /not JSON/],
    ['single quotes', "{'a':1}\n", 1, /key and a colon/],
    ['a key twice', '{"a":1,"a":2}\n', 7, /twice/],
    ['a key that is no column', '{"a":1,"c":2}\n', 7, /not among the columns/],
  ]
  for (const [name, text, at, reason] of cases) {
    test(name, () => {
      assert.throws(
        () => decode(text, two),
        (error: unknown) => {
          assert(error instanceof RowFault, String(error))
          assert.match(error.message, reason)
          assert(Math.abs(error.at - at) <= 1, `at ${error.at}`)
          return error.hint !== ''
        },
      )
    })
  }

  test('a value may not go over two lines, even where it is kept as it is', () => {
    for (const line of ['{"a":{\n}}\n', '{"a":[1,\n2]}\n', '{"a":1\n}\n'])
      assert.throws(() => decode(line, { a: json }), { name: 'RowFault' }, line)
  })

  test('numbers that are none in JSON', () => {
    for (const type of [int(32), int(64), float(64), decimalType(9, 2), decimalType(30, 2), numeric]) {
      for (const text of ['.5', '5.', '+5', '05', '-05', '-', '1e', '0x1', '1.e2', '--1', '1_0']) {
        assert.throws(
          () => decode(`{"a":${text}}\n`, { a: type }),
          { name: 'RowFault', message: /not JSON|comma or the end/ },
          text,
        )
      }
    }
  })

  test('what JSON.parse refuses is refused, and what it takes comes out the same', () => {
    const piece = fc.constantFrom(
      '{',
      '}',
      '"a"',
      '"b"',
      ':',
      ',',
      ' ',
      '1',
      '-2',
      '007',
      '1.5',
      '"x"',
      '"\\u00e9"',
      '"\\n',
      'null',
      '[',
      ']',
      '\t',
      'tru',
      '"',
      '\\',
    )
    const types: Types = { a: json, b: json }
    const decoder = jsonlDecoder(schemaOf(types), [], rules)
    const wellFormed = fc
      .record({ a: fc.jsonValue(), b: fc.jsonValue() }, { requiredKeys: [] })
      .map(value => JSON.stringify(value))
    const ill = fc.array(piece, { maxLength: 12 }).map(pieces => `{"a":${pieces.join('')}`)
    fc.assert(
      fc.property(fc.oneof(wellFormed, ill), line => {
        const parsed = parse(line)
        const outcome = (() => {
          try {
            return decodeBy(decoder, `${line}\n`, types, Infinity, 10)
          } catch (error) {
            assert(error instanceof RowFault, String(error))
            return undefined
          }
        })()
        if (parsed === undefined) return assert.equal(outcome, undefined, `${line} was taken`)
        if (outcome === undefined)
          return assert(/"([ab])".*"\1"\s*:|"[^ab"]+"\s*:|"\s*:/.test(line.slice(4)), `${line} was refused`)
        const back = outcome[0]?.map(value => (typeof value === 'string' ? (JSON.parse(value) as unknown) : value))
        assert.deepEqual(back, [parsed['a'] ?? null, parsed['b'] ?? null])
      }),
      { numRuns: 3000 },
    )
  })
})

/** Undefined: it is no JSON object. */
function parse(line: string): Record<string, unknown> | undefined {
  try {
    const value = JSON.parse(line) as unknown
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
