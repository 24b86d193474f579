import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import type { SluiceError } from '#errors'
import type { Dialect } from './dialects.ts'
import { JobProblems, problemsOf } from './errors.ts'
import { parseJson } from './json.ts'
import { isObject, Places } from './node.ts'
import { checkOptions, resolveOptions, type OptionsOwner } from './options.ts'

const schema = z.strictObject({
  table: z.string().min(1).describe('The table.'),
  rows: z
    .int()
    .min(1)
    .max(10)
    .default(3)
    .meta({ aliases: ['rowCount', 'count'] }),
  ratio: z.number().optional(),
  isOn: z.boolean().default(false),
  mode: z.enum(['insert', 'update']).default('insert'),
  list: z.array(z.string()).default([]),
  url: z
    .string()
    .regex(/^jdbc:/, 'a URL that begins with jdbc:')
    .optional(),
  password: z.string().max(8).optional(),
  hidden: z.int().optional().meta({ secret: true }),
  column: z
    .array(
      z.union([
        z.string(),
        z.strictObject({
          name: z.string(),
          type: z
            .string()
            .optional()
            .meta({ aliases: ['kind'] }),
        }),
      ]),
    )
    .default([]),
  urls: z.union([z.string(), z.array(z.string())]).optional(),
  properties: z.record(z.string(), z.string()).optional(),
  nested: z.strictObject({ deep: z.strictObject({ size: z.int() }) }).optional(),
  open: z.looseObject({ a: z.string() }).optional(),
  nothing: z.string().nullable().default('set'),
  big: z.bigint().optional(),
})

function check(text: string, dialect: Dialect = 'flinkx-1.10', more: Partial<OptionsOwner> = {}) {
  const { root, source } = parseJson(text, 'job.json')
  assert(isObject(root.value))
  return checkOptions(schema, root.value, new Places(root, source), { owner: 'source "x"', dialect, ...more })
}

/** The options that a text gives, besides the table and the defaults. */
function optionsOf(text: string, dialect?: Dialect): Record<string, unknown> {
  const { options, problems } = check(`{"table": "t", ${text}}`, dialect)
  assert.deepEqual(
    problems.map(({ message }) => message),
    [],
  )
  const defaults: Record<string, unknown> = schema.parse({ table: 't' })
  return Object.fromEntries(Object.entries(options!).filter(([name, value]) => !isDeepStrictEqual(defaults[name], value)))
}

const render = (problems: readonly SluiceError[]) => problems.map(({ code, message, hint }) => `${code} ${message} ${hint ?? ''}`)
const warningsOf = (text: string, dialect?: Dialect, more?: Partial<OptionsOwner>) =>
  check(text, dialect, more).warnings.map(({ code, message, place }) => `${code} ${place?.replace('job.json:', '')} ${message}`)

test('gives the typed options with their defaults', () => {
  const { options, problems, warnings } = check('{"table": "t"}')
  assert.deepEqual([problems, warnings], [[], []])
  assert.deepEqual(options, { table: 't', rows: 3, isOn: false, mode: 'insert', list: [], column: [], nothing: 'set' })
})

describe('takes what one of the original engines takes', () => {
  for (const [text, expected] of [
    ['"rows": "5"', { rows: 5 }],
    ['"rows": " 5 "', { rows: 5 }],
    ['"rows": 5.0', { rows: 5 }],
    ['"rows": "1e1"', { rows: 10 }],
    ['"rows": 1.7', { rows: 1 }],
    ['"rows": ""', {}],
    ['"rows": null', {}],
    ['"ratio": "0.25"', { ratio: 0.25 }],
    ['"isOn": "TRUE"', { isOn: true }],
    ['"isOn": 1', { isOn: true }],
    ['"isOn": 0', {}],
    ['"isOn": ""', {}],
    ['"mode": "UPDATE"', { mode: 'update' }],
    ['"mode": ""', {}],
    ['"url": null', {}],
    ['"password": 123', { password: '123' }],
    ['"password": 1.10', { password: '1.10' }],
    ['"password": true', { password: 'true' }],
    ['"table": 90071992547409931', { table: '90071992547409931' }],
    ['"list": ""', {}],
    ['"list": "x"', { list: ['x'] }],
    ['"list": [1, "x"]', { list: ['1', 'x'] }],
    ['"LIST": ["x"]', { list: ['x'] }],
    ['"rowCount": 4', { rows: 4 }],
    ['"ROWCOUNT": 4', { rows: 4 }],
    ['"column": ["a", {"name": "b", "KIND": "int"}]', { column: ['a', { name: 'b', type: 'int' }] }],
    ['"column": {"name": "b"}', { column: [{ name: 'b' }] }],
    ['"urls": "a"', { urls: 'a' }],
    ['"urls": ["a"]', { urls: ['a'] }],
    ['"properties": {"A": 1, "b": null}', { properties: { A: '1' } }],
    ['"properties": ""', {}],
    ['"properties": []', {}],
    ['"nested": {"deep": {"SIZE": "3"}}', { nested: { deep: { size: 3 } } }],
    ['"open": {"a": "x", "b": 1}', { open: { a: 'x', b: 1 } }],
    ['"nothing": null', { nothing: null }],
    ['"big": 90071992547409931', { big: 90071992547409931n }],
  ] as const) {
    test(text, () => assert.deepEqual(optionsOf(text), expected))
  }
})

describe('warns where one of them would not have', () => {
  for (const [text, dialect, expected] of [
    ['"rows": "5"', 'flinkx-1.10', undefined],
    ['"rows": ""', 'flinkx-1.10', /rows is empty and counts as not set/],
    ['"rows": 1.7', 'chunjun-1.12', /fraction is cut off/],
    ['"isOn": "true"', 'flinkx-1.10', /FlinkX 1\.10 refuses it/],
    ['"isOn": "true"', 'chunjun-1.12', undefined],
    ['"isOn": 1', 'chunjun-1.12', /a number instead of true or false/],
    ['"password": 123', 'flinkx-1.10', /should be in quotes/],
    ['"password": 123', 'chunjun-1.16', undefined],
    ['"list": "x"', 'chunjun-1.16', /list of one element/],
    ['"LIST": []', 'chunjun-1.12', /taken as "list"; FlinkX would have overlooked it/],
    ['"rows": 1, "count": 2', 'flinkx-1.10', /count is the same as "rows"; "rows" counts/],
    ['"count": 1, "rowCount": 2', 'flinkx-1.10', /"rowCount" counts/],
    ['"mode": "UPDATE"', 'flinkx-1.10', undefined],
    ['"column": [{"name": "a", "type": 1}]', 'flinkx-1.10', /column\[0\]\.type is text/],
  ] as const) {
    test(`${text} in ${dialect}`, () => {
      const warnings = warningsOf(`{"table": "t", ${text}}`, dialect)
      if (expected === undefined) assert.deepEqual(warnings, [])
      else assert.match(warnings.join('\n'), expected)
    })
  }

  test('never with the value', () => {
    assert.doesNotMatch(warningsOf('{"table": "t", "password": 998877, "rows": 998.877, "list": "998877"}').join(), /99887/)
  })
})

test('the later of two aliases and the name win over what came before', () => {
  assert.deepEqual(optionsOf('"count": 1, "rowCount": 2'), { rows: 2 })
  assert.deepEqual(optionsOf('"rows": 1, "count": 2'), { rows: 1 })
  assert.deepEqual(optionsOf('"count": 2, "rows": 1'), { rows: 1 })
})

describe('native jobs get no leniency but what references need', () => {
  for (const [text, expected] of [
    ['"rows": "5"', { rows: 5 }],
    ['"isOn": "true"', { isOn: true }],
    ['"password": 1.10', { password: '1.10' }],
    ['"rows": null', {}],
    ['"rowCount": 4', { rows: 4 }],
  ] as const) {
    test(`takes ${text}`, () => {
      assert.deepEqual(optionsOf(text, 'native'), expected)
      assert.deepEqual(warningsOf(`{"table": "t", ${text}}`, 'native'), [])
    })
  }

  for (const [text, code] of [
    ['"rows": ""', 'job.invalid-option'],
    ['"rows": 1.7', 'job.invalid-option'],
    ['"isOn": 1', 'job.invalid-option'],
    ['"list": "x"', 'job.invalid-option'],
    ['"LIST": []', 'job.unknown-option'],
    ['"session": []', 'job.unknown-option'],
    ['"nested": {"deep": {"size": 1, "sise": 2}}', 'job.unknown-option'],
  ] as const) {
    test(`refuses ${text}`, () =>
      assert.deepEqual(
        check(`{"table": "t", ${text}}`, 'native').problems.map(problem => problem.code),
        [code],
      ))
  }
})

describe('says what is wrong, where, and what it should be', () => {
  const invalid = (text: string) => check(`{"table": "t",\n${text}}`).problems.map(({ message }) => message)
  for (const [text, message] of [
    ['"rows": "many"', 'job.json:2:9: Option "rows" of the source "x" must be a whole number from 1 to 10; found "many".'],
    ['"rows": 11', 'job.json:2:9: Option "rows" of the source "x" must be a whole number from 1 to 10; found 11.'],
    ['"count": []', 'job.json:2:10: Option "count" of the source "x" must be a whole number from 1 to 10; found an empty list.'],
    [
      '"rows": 90071992547409931',
      'job.json:2:9: Option "rows" of the source "x" must be a whole number from 1 to 10; found 90071992547409931.',
    ],
    ['"isOn": "yes"', 'job.json:2:9: Option "isOn" of the source "x" must be true or false; found "yes".'],
    ['"mode": "upsert"', 'job.json:2:9: Option "mode" of the source "x" must be one of insert, update; found "upsert".'],
    ['"list": {}', 'job.json:2:9: Option "list" of the source "x" must be text; found an object.'],
    ['"list": ["a", {}]', 'job.json:2:15: Option "list[1]" of the source "x" must be text; found an object.'],
    ['"url": "http://x"', 'job.json:2:8: Option "url" of the source "x" must be a URL that begins with jdbc:; found "http://x".'],
    ['"url": ["x"]', 'job.json:2:8: Option "url" of the source "x" must be text; found a list.'],
    [
      '"password": "123456789"',
      'job.json:2:13: Option "password" of the source "x" must be text of at most 8 characters; found text that is not shown here.',
    ],
    [
      '"hidden": "x1"',
      'job.json:2:11: Option "hidden" of the source "x" must be a whole number; found text that is not shown here.',
    ],
    ['"column": [{"name": "a"}, 3.5, true]', undefined],
    ['"column": [{"kind": "a"}]', 'job.json:2:12: Option "column[0].name" of the source "x" is missing.'],
    ['"column": [{"name": []}]', 'job.json:2:21: Option "column[0].name" of the source "x" must be text; found an empty list.'],
    ['"urls": {}', 'job.json:2:9: Option "urls" of the source "x" must be text, or a list, each element text; found an object.'],
    ['"properties": {"A": {}}', 'job.json:2:21: Option "properties.A" of the source "x" must be text; found an object.'],
    ['"nested": {"deep": {}}', 'job.json:2:20: Option "nested.deep.size" of the source "x" is missing.'],
    [
      '"nested": {"DEEP": {"Size": "x"}}',
      'job.json:2:29: Option "nested.DEEP.Size" of the source "x" must be a whole number; found "x".',
    ],
    [
      '"isOn": "' + 'x'.repeat(100) + '"',
      'job.json:2:9: Option "isOn" of the source "x" must be true or false; found text of 100 characters.',
    ],
    [
      '"mode": "jdbc:x?password=hunter2"',
      'job.json:2:9: Option "mode" of the source "x" must be one of insert, update; found "jdbc:x?password=*******".',
    ],
  ] as const) {
    test(text.slice(0, 60), () => assert.deepEqual(invalid(text), message === undefined ? [] : [message]))
  }

  test('a missing option has the place of the object and what it is for', () => {
    assert.deepEqual(render(check('\n {}').problems), [
      'job.missing-option job.json:2:2: Option "table" of the source "x" is missing. Set it to text that is not empty. The table.',
    ])
  })

  test('values from the environment are not shown', () => {
    const { root, source } = parseJson('{"table": "t", "rows": "hunter2"}', 'f')
    root.entries!.get('rows')!.secrets = ['hunter2']
    const { problems } = checkOptions(schema, root.value as never, new Places(root, source), { owner: 's', dialect: 'native' })
    assert.match(problems[0]!.message, /found text that is not shown here/)
  })
})

describe('a key that is no option', () => {
  const more = { refused: { polling: 'It comes later.', 'nested.deep.speed': 'Not yet.' }, ignored: ['noise', 'nested.noise'] }

  test('is an error with a suggestion in a native job', () => {
    assert.deepEqual(render(check('{"table": "t", "ruws": 1, "zzzzzz": 2}', 'native').problems), [
      'job.unknown-option job.json:1:16: The source "x" has no option "ruws". Did you mean "rows"?',
      'job.unknown-option job.json:1:27: The source "x" has no option "zzzzzz". Its options: table, rows, ratio, isOn, mode, list, url, password, hidden, column, urls, properties, nested, open, nothing, big.',
    ])
  })

  test('is a warning with a suggestion in a FlinkX job', () => {
    assert.deepEqual(warningsOf('{"table": "t", "ruws": 1}'), [
      'job.unknown-option 1:16 ruws means nothing here and is ignored, as in FlinkX (did you mean "rows"?).',
    ])
  })

  test('is refused by name when the connector knows that it cannot honour it, in every dialect and case', () => {
    for (const dialect of ['native', 'flinkx-1.10'] as const) {
      const { problems } = check('{"table": "t", "Polling": true, "nested": {"deep": {"size": 1, "speed": 2}}}', dialect, more)
      assert.deepEqual(render(problems), [
        'job.unsupported-option job.json:1:16: Option "Polling" of the source "x" is not supported yet. It comes later. Remove the option to run the job without it.',
        'job.unsupported-option job.json:1:64: Option "nested.deep.speed" of the source "x" is not supported yet. Not yet. Remove the option to run the job without it.',
      ])
    }
  })

  test('is not refused when it asks for nothing', () => {
    for (const value of ['false', '""', 'null', '[]', '{}'])
      assert.deepEqual(check(`{"table": "t", "polling": ${value}}`, 'flinkx-1.10', more).problems, [])
    for (const value of ['true', '0', '"x"'])
      assert.equal(check(`{"table": "t", "polling": ${value}}`, 'flinkx-1.10', more).problems.length, 1)
  })

  test('is one of the noise that platforms make: one warning for all', () => {
    assert.deepEqual(
      warningsOf(
        '\n{"table": "t", "sourceIds": [1], "noise": 1, "?mode": 1, "nested": {"deep": {"size": 1}, "noise": 1}}',
        'flinkx-1.10',
        more,
      ),
      ['job.ignored-option 2:1 The source "x" has keys without meaning to a job: sourceIds, noise, ["?mode"], nested.noise.'],
    )
  })
})

test('words of the connector for what zod cannot say', () => {
  const refined = z
    .strictObject({ a: z.string().optional(), b: z.string().optional() })
    .refine(({ a, b }) => a === undefined || b === undefined, { message: 'Give either `a` or `b`.', path: ['b'] })
  const { root, source } = parseJson('{"a": "x",\n"b": "y"}', 'f')
  const { problems } = checkOptions(refined, root.value as never, new Places(root, source), {
    owner: 'sink "y"',
    dialect: 'native',
  })
  assert.deepEqual(render(problems), [
    'job.inconsistent f:2:1: The sink "y" cannot be used like this. Give either `a` or `b`. Correct the options in the job file.',
  ])
})

test('throws all problems at once', () => {
  const { root, source } = parseJson('{"rows": 0, "isOn": "x"}', 'job.json')
  const places = new Places(root, source)
  assert.throws(
    () => resolveOptions(schema, root.value as never, places, { owner: 'source "x"', dialect: 'native' }),
    (error: unknown) => {
      assert(error instanceof JobProblems)
      assert.deepEqual(
        problemsOf(error).map(({ code }) => code),
        ['job.missing-option', 'job.invalid-option', 'job.invalid-option'],
      )
      assert.match(error.message, /^3 problems in job\.json:\n {2}job\.json:1:1: /)
      assert.equal((error.toJSON().detail['problems'] as unknown[]).length, 3)
      return true
    },
  )
})
