import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { SluiceError } from '#errors'
import { parseJson } from './json.ts'
import { LIMITS, pathOf, type JobValue, type Node } from './node.ts'

const valueOf = (text: string) => parseJson(text, 'job.json').root.value
const warningsOf = (text: string) => parseJson(text, 'job.json').warnings.map(({ code }) => code)
const errorOf = (text: string): SluiceError => {
  try {
    parseJson(text, 'job.json')
  } catch (error) {
    assert(SluiceError.is(error), `${JSON.stringify(text)} threw ${String(error)}`)
    return error
  }
  assert.fail(`${JSON.stringify(text)} was accepted`)
}

interface GsonCase {
  readonly text: string
  readonly value?: JobValue
  readonly rejected?: true
}

/** Where we differ from Gson, on purpose. */
const deviations: Readonly<Record<string, JobValue>> = {
  '[1,]': [1],
  '[,]': [null],
  '[;]': [null],
  '[null,,]': [null, null],
  '{"a":1,}': { a: 1 },
  '"\\.d"': '\\.d',
  '"\\x41"': '\\x41',
  '"\\u12"': '\\u12',
  '"\\u00zz"': '\\u00zz',
  NaN: NaN,
  Infinity: Infinity,
  '-Infinity': -Infinity,
  'a"b': 'rejected',
  "it's": 'rejected',
  '{a":1}': 'rejected',
}

describe('like Gson', () => {
  const file = join(import.meta.dirname, 'testdata/gson/gson-2.11.0.json')
  // Numbers beyond 2^53 stand in the file as Gson wrote them, so our own parser reads it; JSON.parse agrees on the rest.
  const cases = valueOf(readFileSync(file, 'utf8')) as unknown as GsonCase[]
  for (const { text, value, rejected } of cases) {
    const expected = Object.hasOwn(deviations, text) ? deviations[text]! : rejected ? 'rejected' : value!
    test(`${JSON.stringify(text)} is ${expected === 'rejected' ? 'rejected' : 'read'}`, () => {
      if (expected === 'rejected') assert.match(errorOf(text).code, /^job\.syntax$/)
      else assert.deepEqual(valueOf(text), expected)
    })
  }
})

test('equals JSON.parse on every valid document', () => {
  fc.assert(
    fc.property(fc.json({ noUnicodeString: false }), text => {
      assert.deepEqual(asNumbers(valueOf(text)), JSON.parse(text))
    }),
    { numRuns: 2000 },
  )
})

test('keeps integers beyond 2^53 exact', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }), integer => {
      assert.equal(BigInt(valueOf(String(integer)) as bigint | number), integer)
    }),
  )
  assert.equal(valueOf('9007199254740993'), 9007199254740993n)
  assert.equal(valueOf('9007199254740991'), 9007199254740991)
})

test('throws nothing but coded errors, whatever the text', () => {
  const seeds = [
    '{"job":{"content":[{"reader":{"name":"x","parameter":{"password":"y\\n"}}}]}}',
    "{a:'b',c=>[1,,2];d:NaN} // e",
    '/* */[1.5e3,-0,"\\u0041"]#',
  ]
  const broken = fc
    .tuple(fc.constantFrom(...seeds), fc.nat(60), fc.nat(20), fc.string({ maxLength: 8 }))
    .map(([seed, at, cut, put]) => seed.slice(0, at) + put + seed.slice(at + cut))
  const soup = fc
    .array(fc.constantFrom(...'{}[]:;,="\'\\/*#\n\r\t ua1e-.\u201c\ufeff\ud800'.split('')), { maxLength: 40 })
    .map(parts => parts.join(''))
  fc.assert(
    fc.property(fc.oneof(broken, soup, fc.string()), text => {
      try {
        parseJson(text, 'job.json')
      } catch (error) {
        assert(SluiceError.is(error, 'job.syntax'), String(error))
        assert.match(error.message, /^job\.json:\d+:\d+: .+\.$/s)
        assert(error.hint !== undefined)
      }
    }),
    { numRuns: 5000 },
  )
})

describe('leniency is told', () => {
  for (const [text, code] of [
    ['{"a":1,"a":2}', 'job.duplicate-key'],
    ['[1,,2]', 'job.missing-value'],
    ['[1,]', 'job.trailing-comma'],
    ['"\\."', 'job.unknown-escape'],
  ] as const) {
    test(`${text}: ${code}`, () => assert.deepEqual(warningsOf(text), [code]))
  }

  test('comments, bare words and other separators are not worth a word', () => {
    assert.deepEqual(warningsOf("{a:'b';c=1,} // d"), [])
  })
})

test('every value knows its place and its path', () => {
  const { root, source } = parseJson('\ufeff{\r\n  "a": [1,\r\n\t{"b.c": "x"}]\r\n}', 'job.json')
  const found: string[] = []
  const visit = (node: Node) => {
    found.push(
      `${pathOf(node)} ${source.place(node.keyStart)} ${source.place(node.start)} ${source.text.slice(node.start, node.end)}`,
    )
    for (const child of node.entries?.values() ?? node.items ?? []) visit(child)
  }
  visit(root)
  assert.deepEqual(found.slice(1), [
    'a job.json:2:3 job.json:2:8 [1,\r\n\t{"b.c": "x"}]',
    'a[0] job.json:2:9 job.json:2:9 1',
    'a[1] job.json:3:2 job.json:3:2 {"b.c": "x"}',
    'a[1]["b.c"] job.json:3:3 job.json:3:10 "x"',
  ])
  assert.equal(source.place(root.start), 'job.json:1:1')
})

describe('an error says where and what to do', () => {
  for (const [text, place, problem, hint] of [
    ['', '1:1', /is empty/, /Expected a job/],
    ['{"a" 1}', '1:6', /":" behind "a", found text/, /missing comma/],
    ['{"a":1\n "b":2}', '2:2', /Expected "," or "}"/, /missing comma/],
    ['{"a":[1}', '1:8', /"}" closes what "\[" opened/, /line 1 is still open/],
    ['{"a":{\n"b":1\n\n', '2:6', /ends too early/, /"{" opened at line 1 is never closed/],
    ['{\n  "a": {\n    "b": [\n  },\n  "c": 1\n}\n', '4:3', /"}" closes what "\["/, /line 3 is still open/],
    [
      '{\n  "a": {\n    "b": {\n      "c": 1\n  },\n  "d": 1\n}\n\n',
      '7:2',
      /ends too early/,
      /the "}" of line 5 is not meant for the "{" of line 3/,
    ],
    ['{"a":1}}', '1:8', /"}" too many/, /closed too early/],
    ['{"a":1} x', '1:9', /text behind the end/, /end of the file/],
    ['{"a":"x,\n"b": 2}', '2:2', /Expected/, /begins at line 1 and goes on for more than one line/],
    ['{"a":"x', '1:6', /no closing quote/, /Expected a "/],
    ['{"a":1} /* x', '1:9', /comment has no end/, /\*\//],
    ['{\u201ca\u201d: 1}', '1:2', /typographic "\u201c"/, /plain "/],
    ['{"a"\uff1a1}', '1:5', /typographic "\uff1a"/, /plain :/],
  ] as const) {
    test(JSON.stringify(text), () => {
      const error = errorOf(text)
      assert.equal(error.code, 'job.syntax')
      assert(error.message.startsWith(`job.json:${place}: `), error.message)
      assert.match(error.message, problem)
      assert.match(error.hint ?? '', hint)
    })
  }

  test('the excerpt points at the place', () => {
    assert.equal(errorOf('{\n\t"中文": 1 2\n}').detail['excerpt'], '\t"中文": 1 2\n\t \u3000\u3000     ^')
    assert.equal(errorOf(`{"a": "${'x'.repeat(500)}" 1}`).detail['excerpt'], `${'x'.repeat(68)}" 1}\n${' '.repeat(70)}^`)
  })
})

test('an error shows no password, not even a part of one with a quote in it', () => {
  for (const text of [
    '{"password": "hunter2" "x"}',
    '{"password": "hun"ter2", "x": 1}',
    '{"x" 1, "password": "hunter2"}',
    '{"password": hunter2 3}',
    '{"password":\n"hun"ter2"}',
    '{"accessKey": {"a": "hunter2" 1}}',
    '{"url": "jdbc:mysql://h/d?user=a&password=hunter2" 1}',
    '{"url": "postgres://a:hunter2@h/d" 1}',
    '{"password": "hunter2\n\n" 1}',
    '{"url" "jdbc:mysql://h/d?password=hunter2"}',
  ]) {
    const error = errorOf(text)
    assert.doesNotMatch(JSON.stringify(error) + error.hint, /hun|ter2/, text)
  }
})

describe('limits', () => {
  const limits = { maxLength: 100, maxDepth: 5, maxValues: 10 }
  for (const [what, text] of [
    ['characters', ' '.repeat(101)],
    ['levels of nesting', '[[[[[[1]]]]]]'],
    ['values', '[1,2,3,4,5,6,7,8,9,10,11]'],
    ['values', '[,,,,,,,,,,,,]'],
  ] as const) {
    test(`too many ${what}`, () => {
      assert.throws(
        () => parseJson(text, 'job.json', limits),
        (error: unknown) => SluiceError.is(error, 'job.too-large') && error.message.includes(what),
      )
    })
  }

  test('a file of opening brackets does not exhaust the stack', () => {
    assert.throws(() => valueOf('['.repeat(LIMITS.maxLength)), { code: 'job.too-large' })
    assert.throws(() => valueOf('{"a":'.repeat(100_000)), { code: 'job.too-large' })
  })

  test('a file of the greatest size is read or refused at once', () => {
    const big = `[${'{"id":1,"name":"x\\n","v":[1.5,null]},'.repeat(25_000)}`.slice(0, LIMITS.maxLength)
    for (const text of [
      big,
      '"\\.'.repeat(300_000),
      '9'.repeat(LIMITS.maxLength),
      `{"a":"${'\n'.repeat(1e6)}" 1}`,
      `password${'='.repeat(1e6)} @`,
    ]) {
      const began = process.cpuUsage()
      assert.doesNotThrow(() => {
        try {
          valueOf(text)
        } catch (error) {
          if (!SluiceError.is(error)) throw error
        }
      })
      const took = process.cpuUsage(began).user / 1000
      assert(took < 1500, `${text.slice(0, 20)}… took ${took} ms of CPU time`)
    }
  })
})

test('a key named __proto__ is a key', () => {
  const value = valueOf('{"__proto__":{"polluted":1}}') as object
  assert.deepEqual(Object.keys(value), ['__proto__'])
  assert.equal(Object.getPrototypeOf(value), Object.prototype)
})

/** JSON.parse rounds what we keep. */
function asNumbers(value: JobValue): unknown {
  if (typeof value === 'bigint') return Number(value)
  if (Array.isArray(value)) return value.map(asNumbers)
  if (typeof value !== 'object' || value === null) return value
  const copy: Record<string, unknown> = {}
  for (const [key, child] of Object.entries(value)) {
    Object.defineProperty(copy, key, { value: asNumbers(child), enumerable: true, writable: true, configurable: true })
  }
  return copy
}
