import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { licencesOf, refusedLicences, type LockFile } from './licences-page.ts'

const lock = JSON.parse(await readFile('package-lock.json', 'utf8')) as LockFile

test('all that comes along may be passed on', () => {
  assert.deepEqual(refusedLicences(licencesOf(lock)), [])
})

test('what is installed says the same as the lock file', async () => {
  let checked = 0
  for (const { name, version, licence, isOptional } of licencesOf(lock)) {
    const text = await readFile(`node_modules/${name}/package.json`, 'utf8').catch(() => undefined)
    assert(text !== undefined || isOptional, `${name} is not installed`)
    if (text === undefined) continue
    const installed = JSON.parse(text) as { version: string; license: unknown }
    assert.deepEqual([installed.version, installed.license], [version, licence], name)
    checked++
  }
  assert(checked >= 3)
})

test('unknown terms, no terms and tools for development', () => {
  const packages = {
    '': { license: 'GPL-3.0' },
    'node_modules/good': { version: '1.0.0', license: 'MIT' },
    'node_modules/good/node_modules/@a/copyleft': { version: '2.0.0', license: 'GPL-3.0' },
    'node_modules/silent': { version: '3.0.0', optional: true },
    'node_modules/tool': { version: '4.0.0', license: 'GPL-3.0', dev: true },
  }
  assert.deepEqual(
    refusedLicences(licencesOf({ packages })).map(({ name }) => name),
    ['@a/copyleft', 'silent'],
  )
})
