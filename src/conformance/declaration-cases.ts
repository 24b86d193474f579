import assert from 'node:assert/strict'
import { z } from 'zod'
import type { Sink, Source } from '#connector'
import { SluiceError } from '#errors'
import type { Case } from './case.ts'

const SENTENCE = /^[A-Z`].*\.$/s

/** What the declaration of a source or sink owes to those who only read it: job files, docs, editors. */
export function declarationCases(connector: Source | Sink, working: object): Case[] {
  return [
    {
      name: 'refuses an option it does not know',
      run() {
        const { error } = connector.options.safeParse(working)
        assert(error === undefined, `the options of the fixture must be valid: ${error?.message}`)
        assert(!connector.options.safeParse({ ...working, noSuchOption: true }).success, 'an unknown option was accepted')
      },
    },
    {
      name: 'describes itself and every option in sentences',
      run() {
        assert.match(connector.name, /^[a-z][a-z0-9-]*$/)
        assert.match(connector.summary, SENTENCE)
        for (const [name, { description }] of Object.entries(optionsOf(connector)))
          assert.match(description ?? '', SENTENCE, name)
        for (const [name, reason] of Object.entries(connector.refused ?? {})) assert.match(reason, SENTENCE, name)
      },
    },
    {
      name: 'gives every option, alias, refused and ignored option a name of its own',
      run() {
        const options = Object.entries(optionsOf(connector))
        const names = options.flatMap(([name, { aliases = [] }]) => [name, ...aliases])
        names.push(...Object.keys(connector.refused ?? {}), ...(connector.ignored ?? []))
        const twice = names.filter((name, at) => names.indexOf(name) !== at)
        assert.deepEqual(twice, [])
      },
    },
  ]
}

interface OptionFacts {
  readonly description?: string
  readonly aliases?: readonly string[]
}

function optionsOf(connector: Source | Sink): Record<string, OptionFacts> {
  const schema = z.toJSONSchema(connector.options, { io: 'input', unrepresentable: 'any' })
  return (schema.properties ?? {}) as Record<string, OptionFacts>
}

/** A system that is not there is the operator's or the network's fault, and the error says what to do. */
export function assertUnreachable(error: unknown): true {
  assert(SluiceError.is(error), `expected an SluiceError, got ${String(error)}`)
  assert(error.fault === 'usage' || error.fault === 'transient', `${error.code} has the fault ${error.fault}`)
  assert(error.hint !== undefined, `${error.code} has no hint`)
  return true
}
