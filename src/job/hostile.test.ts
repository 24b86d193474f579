/** Job files made to harm: refused with a place, soon, and without a trace in this process. Parsers alone: json.test.ts, yaml.test.ts. */
import assert from 'node:assert/strict'
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import * as catalog from '#catalog'
import { SluiceError } from '#errors'
import { problemsOf } from './errors.ts'
import { loadJob } from './load.ts'

const folder = await mkdtemp(join(tmpdir(), 'sluice-hostile-'))
after(() => rm(folder, { recursive: true }))

const MiB = 1024 * 1024

/** The codes of what is wrong with a file, and how long it took to find out. */
async function refusal(file: string): Promise<{ codes: string[]; ms: number }> {
  const began = process.cpuUsage()
  try {
    await loadJob(file, { catalog })
  } catch (error) {
    assert(SluiceError.is(error), String(error))
    return { codes: problemsOf(error).map(({ code }) => code), ms: process.cpuUsage(began).user / 1000 }
  }
  assert.fail(`${file} was accepted`)
}

async function written(name: string, text: string): Promise<string> {
  const file = join(folder, name)
  await writeFile(file, text)
  return file
}

describe('too large', () => {
  for (const name of ['brackets.json', 'brackets.yaml', 'brackets']) {
    test(`100 MB of "[" as ${name}`, async () => {
      const file = join(folder, name)
      {
        await using handle = await open(file, 'w')
        const part = Buffer.alloc(MiB, '[')
        for (let i = 0; i < 100; i++) await handle.write(part)
      }
      const { codes, ms } = await refusal(file)
      assert.deepEqual(codes, ['job.too-large'])
      assert(ms < 1000, `${ms} ms`)
      await rm(file)
    })
  }

  test('a device that never ends', { skip: process.platform === 'win32' }, async () => {
    assert.deepEqual((await refusal('/dev/zero')).codes, ['job.too-large'])
  })

  for (const [name, text] of [
    ['deep.json', '{"job":'.repeat(5000)],
    ['deep.yaml', `source: ${'['.repeat(5000)}`],
    ['wide.json', `{"source":[${'1,'.repeat(300_000)}1]}`],
    [
      'laughs.yaml',
      `a: &a [x,x,x,x,x,x,x,x,x]\n${Array.from('bcdefgh')
        .map((c, i) => `${c}: &${c} [${Array(9).fill(`*${'abcdefg'[i]}`).join()}]\n`)
        .join('')}source: *h\n`,
    ],
  ] as const) {
    test(name, async () => {
      const { codes, ms } = await refusal(await written(name, text))
      assert.match(codes.join(), /^job\.(?:too-large|syntax)$/)
      assert(ms < 2000, `${ms} ms`)
    })
  }
})

describe('names that mean something to JavaScript', () => {
  const names = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', '__defineGetter__']
  for (const ending of ['json', 'yaml']) {
    test(`are unknown options and settings in ${ending}, and change nothing`, async () => {
      const evil = names.map(name => `"${name}": {"polluted": true, "connector": "stream"}`).join(', ')
      const parts = `"source": {"connector": "stream", "columns": [{"name": "a", "type": "int"}], ${evil}}, "sink": {"connector": "stream", ${evil}}`
      const { codes } = await refusal(await written(`names.${ending}`, `{${parts}, "settings": {${evil}}, ${evil}}`))
      assert(codes.length >= names.length * 2, codes.join())
      assert.equal(Reflect.get({}, 'polluted'), undefined)
      assert.equal(Reflect.get(Object, 'polluted'), undefined)
    })
    test(`are not connectors in ${ending}`, async () => {
      for (const name of names) {
        const text = `{"source": {"connector": "${name}"}, "sink": {"connector": "${name}"}}`
        const { codes } = await refusal(await written(`connector.${ending}`, text))
        assert.deepEqual(codes, ['job.unknown-connector', 'job.unknown-connector'])
      }
    })
  }
})

test('tags of YAML make no objects', async () => {
  for (const tag of [
    '!!js/function "() => 1"',
    '!!python/object/apply:os.system ["id"]',
    '!!binary aGk=',
    '!!str stream',
    '!!set {a}',
    '!<tag:x> y',
    '!x {}',
  ]) {
    const { codes } = await refusal(await written('tags.yaml', `source:\n  connector: ${tag}\nsink:\n  connector: stream\n`))
    assert.deepEqual(codes, ['job.syntax'], tag)
  }
})
