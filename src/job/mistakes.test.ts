/**
 * What a user reads about typical mistakes. `WRITE_GOLDEN=1` rewrites the expectations; then read every one that changed.
 */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { SluiceError } from '#errors'
import { testCatalog } from './catalog.test-support.ts'
import { problemsOf } from './errors.ts'
import { resolveJob } from './load.ts'

const folder = join(import.meta.dirname, 'testdata/mistakes')
const references = {
  env: { SET: 'hunter2' },
  readFile: () => {
    throw Object.assign(new Error('no such file'), { code: 'ENOENT' })
  },
}

describe('mistakes', () => {
  for (const name of readdirSync(folder)
    .filter(file => /\.(json|yaml)$/.test(file))
    .sort()) {
    test(name, async () => {
      const text = await readFile(join(folder, name), 'utf8')
      const rendered = await render(text, name)
      const golden = join(folder, name.replace(/\.\w+$/, '.txt'))
      if (process.env['WRITE_GOLDEN'] === '1') await writeFile(golden, rendered)
      assert.equal(rendered, await readFile(golden, 'utf8').catch(() => ''))
      assert.doesNotMatch(rendered, /hunter2/, 'a password is shown')
    })
  }
})

async function render(text: string, name: string): Promise<string> {
  try {
    const { warnings } = await resolveJob(text, name, { catalog: testCatalog, references })
    return warnings.map(({ code, message, place }) => `warning ${code}\n  ${place}: ${message}\n`).join('')
  } catch (error) {
    assert(SluiceError.is(error), String(error))
    return problemsOf(error)
      .map(({ code, message, hint, detail }) => {
        const excerpt = typeof detail['excerpt'] === 'string' ? `${detail['excerpt'].replaceAll(/^/gm, '  | ')}\n` : ''
        return `error ${code}\n  ${message}\n${excerpt}  hint: ${hint ?? ''}\n`
      })
      .join('')
  }
}
