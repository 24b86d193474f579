import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { SluiceError } from '#errors'
import { LIMITS, pathOf, type Node } from './node.ts'
import { parseYaml } from './yaml.ts'

const valueOf = (text: string) => parseYaml(text, 'job.yaml').root.value
const errorOf = (text: string): SluiceError => {
  try {
    parseYaml(text, 'job.yaml')
  } catch (error) {
    assert(SluiceError.is(error), String(error))
    return error
  }
  assert.fail(`${JSON.stringify(text)} was accepted`)
}

test('reads what the core schema says', () => {
  const text =
    'a: 1\nb: "1"\nc: [true, no, ~]\nd: {e: 1.5}\nf: 2024-01-01\ng: 9007199254740993\n1: x\ntrue: y\nh: |\n  t\n<<: z\nb2: 0x10\n'
  assert.deepEqual(valueOf(text), {
    a: 1,
    b: '1',
    c: [true, 'no', null],
    d: { e: 1.5 },
    f: '2024-01-01',
    g: 9007199254740993n,
    1: 'x',
    true: 'y',
    h: 't\n',
    '<<': 'z',
    b2: 16,
  })
})

test('reads JSON as JSON.parse does', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), value => {
      const text = JSON.stringify(value)
      assert.deepEqual(
        JSON.parse(JSON.stringify(valueOf(text), (_, v: unknown) => (typeof v === 'bigint' ? Number(v) : v))),
        JSON.parse(text),
      )
    }),
    { numRuns: 300 },
  )
})

test('every value knows its place and its path', () => {
  const { root, source } = parseYaml('source:\n  connector: mysql\n  tables:\n    - a\n    - b: 1.50\n', 'job.yaml')
  const found: string[] = []
  const visit = (node: Node) => {
    if (node.entries === undefined && node.items === undefined) {
      found.push(
        `${pathOf(node)} ${source.place(node.keyStart)} ${source.place(node.start)} ${source.text.slice(node.start, node.end)}`,
      )
    }
    for (const child of node.entries?.values() ?? node.items ?? []) visit(child)
  }
  visit(root)
  assert.deepEqual(found, [
    'source.connector job.yaml:2:3 job.yaml:2:14 mysql',
    'source.tables[0] job.yaml:4:7 job.yaml:4:7 a',
    'source.tables[1].b job.yaml:5:7 job.yaml:5:10 1.50',
  ])
})

test('aliases are expanded', () => {
  assert.deepEqual(valueOf('a: &x {b: 1}\nc: *x\nd: [*x]\n'), { a: { b: 1 }, c: { b: 1 }, d: [{ b: 1 }] })
})

describe('refuses', () => {
  for (const [what, text, code] of [
    ['an unknown alias', 'a: *x\n', 'job.syntax'],
    ['a tag', 'a: !!js/function x\n', 'job.syntax'],
    ['a custom tag', 'a: !x y\n', 'job.syntax'],
    ['two documents', 'a: 1\n---\nb: 2\n', 'job.syntax'],
    ['a tab as indentation', 'a:\n\tb: 1\n', 'job.syntax'],
    ['a key that is a list', '[a]: 1\n', 'job.syntax'],
    ['nothing', '# only a comment\n', 'job.syntax'],
    ['an alias inside itself', 'a: &x [*x]\n', 'job.too-large'],
    [
      'a billion laughs',
      `a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n${Array.from({ length: 9 }, (_, i) => `a${i + 1}: &a${i + 1} [${Array(10).fill(`*a${i}`).join()}]\n`).join('')}`,
      'job.too-large',
    ],
  ] as const) {
    test(what, () => {
      const error = errorOf(text)
      assert.equal(error.code, code)
      assert.match(error.message, /^job\.yaml:\d+:\d+: /)
    })
  }
})

test('of a key given twice the last one counts, with a warning', () => {
  const { root, warnings } = parseYaml('a: 1\na: 2\n', 'job.yaml')
  assert.deepEqual(root.value, { a: 2 })
  assert.deepEqual(
    warnings.map(({ code, place }) => [code, place]),
    [['job.duplicate-key', 'job.yaml:2:1']],
  )
})

test('an error shows no password', () => {
  for (const text of [
    'password: hun: ter2\n',
    'password: *hunter2\n',
    'password: "hunter2\n',
    'password: "hun"ter2"\nb: 1\n',
    'a: 1\npassword: "hunter2\n  hunter2\nb: 2\n',
    'url: postgres://a:hunter2@h: x\n',
    'password: @hunter2\n',
    'password: !hunter2\n',
    'password: "\\hunter2"\n',
    'password: [hunter2\n',
  ]) {
    const error = errorOf(text)
    assert.doesNotMatch(JSON.stringify(error) + error.hint, /hun|ter2/, text)
  }
})

test('throws nothing but coded errors, and soon, whatever the text', () => {
  const soup = fc
    .array(
      fc.constantFrom(
        '- ',
        ': ',
        '? ',
        '{',
        '}',
        '[',
        ']',
        ', ',
        '&a ',
        '*a',
        '!b ',
        '|',
        '>',
        '"',
        "'",
        '\n',
        '  ',
        '\t',
        '#',
        'x',
        '%YAML 1.1',
        '---',
        '...',
        '<<',
        '1',
      ),
      { maxLength: 60 },
    )
    .map(parts => parts.join(''))
  fc.assert(
    fc.property(fc.oneof(soup, fc.string()), text => {
      try {
        parseYaml(text, 'job.yaml')
      } catch (error) {
        assert(SluiceError.is(error), String(error))
      }
    }),
    { numRuns: 3000 },
  )
})

test('a hostile file is refused or read soon; one beyond the limit at once', () => {
  const length = 32 * 1024
  for (const part of ['[', '- ', '"', '[]', '\n', '*a ', 'a: &a [*a]\n']) {
    const began = process.cpuUsage()
    try {
      parseYaml(part.repeat(Math.floor(length / part.length)), 'job.yaml')
    } catch (error) {
      assert(SluiceError.is(error), `${JSON.stringify(part)}: ${String(error)}`)
    }
    const took = process.cpuUsage(began).user / 1000
    assert(took < 3000, `${JSON.stringify(part)} took ${took} ms of CPU time`)
  }
  assert.throws(() => valueOf('[]'.repeat(LIMITS.maxLength / 8 + 1)), { code: 'job.too-large' })
})

test('indentation cannot exhaust the stack', () => {
  const stairs = Array.from({ length: 1400 }, (_, level) => `${' '.repeat(level)}a:\n`).join('')
  assert.throws(
    () => valueOf(stairs),
    (error: unknown) => SluiceError.is(error),
  )
})
