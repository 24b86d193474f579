/** RFC 4180 (https://www.rfc-editor.org/rfc/rfc4180), PostgreSQL's CSV, and everything that is neither. */
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
  type Column,
  type Type,
  type Value,
} from '#columnar'
import { RowFault } from '#files'
import { csvDecoder } from './decoder.ts'
import type { CsvDialect } from './dialect.ts'

const rfc4180: CsvDialect = {
  delimiter: 0x2c,
  quote: 0x22,
  escape: 0x22,
  nullText: new Uint8Array(0),
  multiline: true,
  binary: 'hex',
}
const backslash: CsvDialect = { ...rfc4180, escape: 0x5c }
const unquoted: CsvDialect = { ...rfc4180, quote: undefined, escape: undefined }
const marked: CsvDialect = { ...rfc4180, nullText: Buffer.from('\\N') }

const schemaOf = (...types: Type[]) => ({ fields: types.map((type, at) => ({ name: `c${at}`, type, nullable: true })) })

/** Decodes whole text in windows of every kind: `windowBytes` at a time, `capacity` rows per batch. */
function decode(text: string, types: Type[], dialect = rfc4180, { windowBytes = Infinity, capacity = 100 } = {}): Value[][] {
  const schema = schemaOf(...types)
  const decoder = csvDecoder(schema, [...types.keys()], dialect)
  const file = Buffer.from(text)
  const batch = new Batch(schema, capacity)
  const rows: Value[][] = []
  for (let start = 0, length = windowBytes; ;) {
    const end = Math.min(file.length, start + length)
    const bytes = new Uint8Array(end - start + 8).fill(0x58)
    bytes.set(file.subarray(start, end))
    const next = decoder(batch, Infinity, bytes, 0, end - start, end - start, end === file.length)
    const moved = next < 0 ? ~next : next
    length = moved === 0 ? length + windowBytes : windowBytes
    start += moved
    const isOver = start === file.length && next >= 0
    // As long as it has room, a batch is filled from one window after the other.
    if (next >= 0 && !isOver) continue
    for (let row = 0; row < batch.rows; row++) rows.push(batch.row(row))
    for (const column of batch.columns) checkNulls(column, batch.rows)
    batch.reset()
    if (isOver) return rows
  }
}

/** NULLs are counted, and take no bytes. */
function checkNulls(column: Column, rows: number): void {
  const isNull = Array.from({ length: rows }, (_, row) => column.isNull(row))
  assert.equal(column.nulls, isNull.filter(Boolean).length)
  if (column.layout.kind === 'bytes')
    for (const [row, none] of isNull.entries()) assert(!none || column.offsets[row] === column.offsets[row + 1])
}

const two = [utf8, utf8]

describe('well-formed rows', () => {
  const cases: [name: string, text: string, expected: Value[][], dialect?: CsvDialect][] = [
    [
      'rule 1: CRLF between rows',
      'aaa,bbb\r\nzzz,yyy\r\n',
      [
        ['aaa', 'bbb'],
        ['zzz', 'yyy'],
      ],
    ],
    [
      'rule 2: the last row may have no line ending',
      'aaa,bbb\r\nzzz,yyy',
      [
        ['aaa', 'bbb'],
        ['zzz', 'yyy'],
      ],
    ],
    ['a last row that ends in CR alone', 'a,b\r', [['a', 'b']]],
    ['rule 4: spaces belong to a field', ' a , b \n', [[' a ', ' b ']]],
    [
      'rule 5: fields may be quoted',
      '"aaa","bbb"\r\nzzz,yyy',
      [
        ['aaa', 'bbb'],
        ['zzz', 'yyy'],
      ],
    ],
    [
      'rule 6: quotes protect line endings and commas',
      '"aaa","b \r\nb,b"\r\nzzz,yyy',
      [
        ['aaa', 'b \r\nb,b'],
        ['zzz', 'yyy'],
      ],
    ],
    [
      'rule 7: a doubled quote is one',
      '"aaa","b""bb"\n"""",""""""\n',
      [
        ['aaa', 'b"bb'],
        ['"', '""'],
      ],
    ],
    [
      'NULL and the empty text',
      ',""\n"",\n',
      [
        [null, ''],
        ['', null],
      ],
    ],
    [
      'NULL has a text of its own',
      '\\N,"\\N"\n,""\n',
      [
        [null, '\\N'],
        ['', ''],
      ],
      marked,
    ],
    [
      'a backslash is a character like any other',
      '\\,\\n\n"\\","\\\\"\n',
      [
        ['\\', '\\n'],
        ['\\', '\\\\'],
      ],
    ],
    [
      'an escape precedes a quote or itself',
      '"a\\"b","\\\\"\n"\\n","c"\n',
      [
        ['a"b', '\\'],
        ['\\n', 'c'],
      ],
      backslash,
    ],
    ['without quotes a quote is a character', '"a,b"\n', [['"a', 'b"']], unquoted],
    [
      'characters of two, three and four bytes',
      'é,中\n"😀",x\n',
      [
        ['é', '中'],
        ['😀', 'x'],
      ],
    ],
    ['a long text', `${'x'.repeat(1000)},"${'y'.repeat(1000)}"\n`, [['x'.repeat(1000), 'y'.repeat(1000)]]],
    [
      'quotes on one line',
      '"aaa","b,b"\n"","y"""\n',
      [
        ['aaa', 'b,b'],
        ['', 'y"'],
      ],
      { ...rfc4180, multiline: false },
    ],
    ['no rows', '', []],
  ]
  for (const [name, text, expected, dialect] of cases) {
    test(name, () => {
      assert.deepEqual(decode(text, two, dialect), expected)
      for (let windowBytes = 1; windowBytes <= Math.min(text.length, 40); windowBytes++) {
        assert.deepEqual(decode(text, two, dialect, { windowBytes }), expected, `in windows of ${windowBytes} bytes`)
      }
    })
  }

  test('a row of one empty field is NULL, quoted it is a text', () => {
    assert.deepEqual(decode('\n""\n', [utf8]), [[null], ['']])
  })

  test('a batch ends when it has no room', () => {
    assert.deepEqual(decode('1\n2\n3\n', [int(64)], rfc4180, { capacity: 1 }), [[1n], [2n], [3n]])
  })

  test('columns are chosen, reordered and passed over', () => {
    const schema = schemaOf(int(32), utf8)
    const batch = new Batch(schema, 10)
    const text = Buffer.from('x,"a,\nb",7,"y"\n,,8,z\n')
    const bytes = new Uint8Array(text.length + 8)
    bytes.set(text)
    csvDecoder(schema, [undefined, 1, 0, undefined], rfc4180)(batch, Infinity, bytes, 0, text.length, text.length, true)
    assert.deepEqual([batch.row(0), batch.row(1), batch.rows], [[7, 'a,\nb'], [8, null], 2])
  })

  test('many columns are chosen, reordered and passed over', () => {
    const names = Array.from({ length: 50 }, (_, k) => k)
    const schema = schemaOf(...names.map(k => (k % 2 === 0 ? int(32) : utf8)))
    const fields = names.flatMap(k => ['"passed,\n"', `${k}`]).reverse()
    const places = names.flatMap(k => [undefined, k]).reverse()
    const bytes = new Uint8Array(Buffer.from(`${fields.join()}\n${fields.join()}\r\n12345678`))
    const end = bytes.length - 8
    const batch = new Batch(schema, 10)
    assert.equal(csvDecoder(schema, places, rfc4180)(batch, Infinity, bytes, 0, end, end, true), end)
    const row = names.map(k => (k % 2 === 0 ? k : `${k}`))
    assert.deepEqual([batch.row(0), batch.row(1), batch.rows], [row, row, 2])
  })
})

/** A row of more columns than there is code for each. */
const many30 = (field: string) => Array(30).fill(field).join()

describe('values', () => {
  const cases: [type: Type, good: Record<string, Value>, bad: string[]][] = [
    [int(8), { '-128': -128, '127': 127, '+5': 5, '007': 7, '-0': 0 }, ['128', '-129', '', ' 1', '1.0', '-', '1e2', 'x']],
    [int(16), { '-32768': -32768, '32767': 32767 }, ['32768', '-32769']],
    [
      int(32),
      { '-2147483648': -2147483648, '2147483647': 2147483647, '999999999': 999999999 },
      ['2147483648', '-2147483649', '99999999999'],
    ],
    [int(8, false), { '255': 255, '0': 0 }, ['256', '-1']],
    [int(32, false), { '4294967295': 4294967295 }, ['4294967296', '-1']],
    [
      int(64),
      {
        '-9223372036854775808': -(2n ** 63n),
        '9223372036854775807': 2n ** 63n - 1n,
        '999999999': 999999999n,
        '-4294967296': -4294967296n,
        '123456789012345': 123456789012345n,
      },
      ['9223372036854775808', '-9223372036854775809', '1.5', '0x10'],
    ],
    [int(64, false), { '18446744073709551615': 2n ** 64n - 1n }, ['18446744073709551616', '-1']],
    [float(64), { '0.1': 0.1, '1e300': 1e300, NaN: NaN, '-Infinity': -Infinity }, ['1e400', '1,5', '']],
    [
      decimalType(12, 2),
      {
        '12.5': '12.50',
        '-0.05': '-0.05',
        '9999999999.99': '9999999999.99',
        '.5': '0.50',
        '5.': '5.00',
        '1.500': '1.50',
        '1e3': '1000.00',
      },
      ['10000000000', '0.001', '1.2.3', '.', '-'],
    ],
    [decimalType(18, 17), { '1.23456789012345678': '1.23456789012345678', '9': '9.00000000000000000' }, ['10']],
    [decimalType(38, 10), { '1234567890123456789012345678.0123456789': '1234567890123456789012345678.0123456789' }, ['1e28']],
    [numeric, { '123456789012345678901234567890123456789012345.5': '123456789012345678901234567890123456789012345.5' }, ['x']],
    [bool, { true: true, f: false, '1': true, NO: false }, ['maybe', '2']],
    [
      date,
      { '2024-02-29': '2024-02-29', '0001-01-01': '0001-01-01', '12024-01-01': '12024-01-01', infinity: 'infinity' },
      ['2023-02-29', '2024-13-01', '2024-00-10', '2024-1-1', '2024-01-01x', '0000-01-01'],
    ],
    [
      timestamp(false),
      {
        '2024-02-29 23:59:59': '2024-02-29 23:59:59',
        '1969-12-31T23:59:59.999999': '1969-12-31 23:59:59.999999',
        '9999-12-31 00:00:00.5': '9999-12-31 00:00:00.500000',
        '2024-01-01': '2024-01-01 00:00:00',
        '2024-01-01 24:00:00': '2024-01-02 00:00:00',
      },
      [
        '2024-02-30 00:00:00',
        '2024-01-01 25:00:00',
        '2024-01-01 24:00:01',
        '2024-01-01 10:60:00',
        '2024-01-01 10:00:60',
        '2024-01-01 10:00:00.',
        '2024-01-01 10:00:00Z',
        '2024-01-01_10:00:00',
      ],
    ],
    [
      timestamp(true),
      {
        '2024-01-01 00:00:00Z': '2024-01-01 00:00:00Z',
        '2024-01-01 00:00:00+00': '2024-01-01 00:00:00Z',
        '2024-01-01 02:00:00.25+02:00': '2024-01-01 00:00:00.250000Z',
        '2024-01-01 00:00:00': '2024-01-01 00:00:00Z',
      },
      ['2024-01-01 00:00:00+', '2024-01-01 00:00:00X'],
    ],
    [uuid, { '01234567-89AB-cdef-0123-456789abcdef': '01234567-89ab-cdef-0123-456789abcdef' }, ['01234567']],
    [json, { '{"a":[1]}': '{"a":[1]}' }, ['{"a":', 'x']],
    [binary, { '\\xdeadBEEF': Buffer.from('deadbeef', 'hex'), '\\x': Buffer.alloc(0) }, ['\\xabc', 'zz']],
  ]
  for (const [type, good, bad] of cases) {
    test(JSON.stringify(type), () => {
      const quote = (text: string) => `"${text.replaceAll('"', '""')}"`
      for (const [text, expected] of Object.entries(good)) {
        const written = /[",]/.test(text) ? quote(text) : text
        // In the middle of a row, at its end, with quotes; NULL around it.
        const text2 = `${written},${written}\n${quote(text)},${quote(text)}\r\n,\n`
        const found = decode(text2, [type, type])
        const plain = found.map(row => row.map(value => (value instanceof Uint8Array ? Buffer.from(value) : value)))
        assert.deepEqual(
          plain,
          [
            [expected, expected],
            [expected, expected],
            [null, null],
          ],
          text,
        )
        const many = decode(`${many30(written)}\n${many30(quote(text))}\n${many30('')}\n`, Array(30).fill(type))
        assert.deepEqual(
          many,
          found.map(([value]) => Array(30).fill(value)),
          text,
        )
      }
      for (const text of bad) {
        const written = text === '' || /[",]/.test(text) ? quote(text) : text
        for (const row of [`${written},\n`, `,${written}\n`, `,${written}`]) {
          assert.throws(() => decode(row, [type, type]), { name: 'RowFault', message: /^the value is no / }, row)
        }
        const many = `,,${written}${','.repeat(27)}\n`
        assert.throws(() => decode(many, Array(30).fill(type)), { name: 'RowFault', at: 2, message: /^the value is no / }, many)
      }
    })
  }

  test('of common types mean the same as they do one by one', () => {
    // Text that is nearly a value: mostly digits and what stands between them.
    const near = fc.string({
      unit: fc.constantFrom(...Array.from('0123456789012345678901234567890123456789-:. T+Ze')),
      maxLength: 28,
    })
    const typed = fc.constantFrom(
      int(8),
      int(16, false),
      int(32),
      int(32, false),
      int(64),
      decimalType(9, 2),
      decimalType(18, 4),
      date,
      timestamp(false),
      timestamp(true),
    )
    fc.assert(
      fc.property(near, typed, (text, type) => {
        const outcome = (written: string) => {
          try {
            return decode(`${written}\n`, [type])
          } catch (error) {
            assert(error instanceof RowFault)
            return error.message
          }
        }
        // A quoted field goes by the scanner of the type.
        if (text !== '') assert.deepEqual(outcome(text), outcome(`"${text}"`))
      }),
      { numRuns: 3000 },
    )
  })
})

describe('malformed rows', () => {
  const cases: [name: string, text: string, at: number, reason: RegExp, dialect?: CsvDialect][] = [
    ['too few fields', 'a,b\nc\n', 5, /1 instead of 2 fields/],
    ['too few fields at the end of the file', 'a,b\nc', 5, /1 instead of 2 fields/],
    ['an empty line', 'a,b\n\nc,d\n', 4, /1 instead of 2 fields/],
    ['too many fields', 'a,b,c\n', 3, /more than 2 fields/],
    ['a quote inside a field', 'a"b,c\n', 1, /a quote stands inside/],
    ['a quote inside the last field', 'a,b"\n', 3, /a quote stands inside/],
    ['text behind a quoted field', '"a"b,c\n', 3, /text follows the closing quote/],
    ['a quote that is never closed', 'a,b\nc,"d\ne,f\n', 6, /never closed/],
    ['a quote that is never closed, at the very end', 'a,"', 2, /never closed/],
    ['a carriage return alone', 'a\rb,c\n', 1, /carriage return/],
    [
      'a line feed in quotes where there may be none',
      'a,"b\nc"\n',
      4,
      /line feed stands inside quotes/,
      { ...rfc4180, multiline: false },
    ],
    ['an escape at the very end', 'a,"b\\', 2, /never closed/, backslash],
  ]
  for (const [name, text, at, reason, dialect] of cases) {
    test(name, () => {
      assert.throws(
        () => decode(text, two, dialect),
        (error: unknown) => {
          assert(error instanceof RowFault, String(error))
          assert.match(error.message, reason)
          assert.equal(error.at, at)
          return error.hint !== ''
        },
      )
    })
  }

  test('no input makes it throw anything but a fault with a place, or read beyond the end', () => {
    const text = fc.string({ unit: fc.constantFrom(...Array.from('a1,"\\\r\n\u00e9-.:')), maxLength: 60 })
    const types = [utf8, int(64), timestamp(false), decimalType(9, 2)]
    fc.assert(
      fc.property(
        text,
        fc.constantFrom(rfc4180, backslash, unquoted, marked),
        fc.integer({ min: 1, max: 20 }),
        (input, dialect, windowBytes) => {
          const outcome = (options: object) => {
            try {
              return decode(input, types.slice(0, 2), dialect, options)
            } catch (error) {
              assert(error instanceof RowFault, String(error))
              return error.message
            }
          }
          // Whatever lies behind the bytes (here `X`), and wherever they are cut, the outcome is the same.
          assert.deepEqual(outcome({ windowBytes }), outcome({}))
        },
      ),
      { numRuns: 2000 },
    )
  })

  test('a row of many columns means what its columns mean one by one, wherever it is cut', () => {
    const field = fc.oneof(
      { weight: 20, arbitrary: fc.constantFrom('', '1', '"2"', '-30', '999999999999') },
      fc.constantFrom('x', '"a\n"', '""""', '1"', '"1"x'),
    )
    const types = Array.from({ length: 26 }, (_, k) => [utf8, int(64), json][k % 3]!)
    const outcome = (run: () => Value[][]) => {
      try {
        return run()
      } catch (error) {
        assert(error instanceof RowFault, String(error))
        return error.message
      }
    }
    fc.assert(
      fc.property(fc.array(field, { minLength: 26, maxLength: 26 }), fc.integer({ min: 1, max: 40 }), (fields, windowBytes) => {
        const text = `${fields.join()}\n`
        const whole = outcome(() => decode(text, types))
        assert.deepEqual(
          outcome(() => decode(text, types, rfc4180, { windowBytes })),
          whole,
        )
        const single = outcome(() => [fields.flatMap((written, k) => decode(`${written}\n`, [types[k]!])[0]!)])
        assert.deepEqual(whole, single)
      }),
      { numRuns: 500 },
    )
  })
})
