/** docs/reference/cli.md is what the commands say of themselves. `SLUICE_UPDATE_GOLDEN=1` writes it anew. */
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { generateHelpTextForAllCommands, type Application, type CommandContext } from '@stricli/core'
import { app } from './app.ts'
import { EXIT_CODES } from './exit-codes.ts'

// Help does not depend on what commands are lent, which the type cannot say.
const documented = app as unknown as Application<CommandContext>
const file = new URL('../../docs/reference/cli.md', import.meta.url)

function render(): string {
  const commands = generateHelpTextForAllCommands(documented).map(
    ([route, text]) => `## ${route}\n\n\`\`\`\n${text.trimEnd()}\n\`\`\``,
  )
  const codes = Object.values(EXIT_CODES).map(({ code, meaning }) => `| ${code} | ${meaning} |`)
  return [
    '# Command line',
    'Data goes to standard output, talk to standard error. `--json` turns both into JSON lines. FlinkX\'s own flags are understood as well:\n`sluice -mode local -job job.json -p "k=v"`.',
    ...commands,
    `## Exit codes\n\n| code | meaning |\n| --- | --- |\n${codes.join('\n')}`,
    '<!-- Generated from src/cli by its test with SLUICE_UPDATE_GOLDEN=1. Edit the declarations. -->',
  ]
    .join('\n\n')
    .concat('\n')
}

test('docs/reference/cli.md is what the commands say', async () => {
  const text = render()
  if (process.env['SLUICE_UPDATE_GOLDEN'] === '1') await writeFile(file, text)
  assert.equal(
    await readFile(file, 'utf8').catch(() => ''),
    text,
    'run this test with SLUICE_UPDATE_GOLDEN=1 and commit the page',
  )
})
