/**
 * What ChunJun's `-confProp` says about bad rows, in the words of our settings; it holds Flink's configuration as JSON.
 *
 * Keys and defaults in the compatibility specification §1.6. Every other key concerns a Flink cluster and is named in a warning.
 * Tested by conf-prop.test.ts.
 */
import { z } from 'zod'
import type { SluiceError } from '#errors'
import { connectorSide, type DraftSide } from './envelope.ts'
import { errors } from './errors.ts'
import { parseJson } from './json.ts'
import { childOf, meansNothing, objectNode, Places, whereOf, type JobObject, type Node, type Warning } from './node.ts'
import { checkOptions } from './options.ts'
import type { Settings } from './settings.ts'

/** How messages name it. */
const FILE = '-confProp'
const PREFIX = 'chunjun.dirty-data.'
const JDBC = /^jdbc:(\w+):/i

const text = z.string().trim().optional()

/** Keys behind the prefix. */
const schema = z.strictObject({
  'output-type': z.enum(['default', 'log', 'jdbc']).optional(),
  'max-rows': z.int().optional(),
  'max-collect-failed-rows': z.int().optional(),
  'log.print-interval': z.int().min(1).default(1),
  'jdbc.url': text,
  'jdbc.username': text,
  'jdbc.password': z.string().optional().meta({ secret: true }),
  'jdbc.database': text,
  'jdbc.table': text,
  'jdbc.batch-size': z.int().optional(),
  'jdbc.batch-flush-interval': z.int().optional(),
  dir: text,
})

type Options = z.output<typeof schema>

/** What is different here. */
const NOTES: Readonly<Partial<Record<keyof Options, string>>> = {
  'max-rows': 'counts in place of `errorLimit`, and all workers together, not each of them',
  'max-collect-failed-rows': 'has no effect: rows that the table does not take stay in the files and never stop the run',
  'jdbc.batch-size': 'has no effect: batches are as large as is good for the table',
  'jdbc.batch-flush-interval': 'has no effect: the rows are copied when the run has finished',
  dir: 'has no effect: there are no plugins to load',
}

export interface ConfProp {
  /** These settings with what it says. */
  readonly apply: (settings: Settings) => Settings
  readonly dirtyTable: DraftSide | undefined
  readonly problems: readonly SluiceError[]
  readonly warnings: readonly Warning[]
}

/** Throws what the JSON parser throws. */
export function readConfProp(json: string): ConfProp {
  const { root, source, warnings } = parseJson(json, FILE)
  const refused = (...problems: SluiceError[]): ConfProp => ({ apply: same => same, dirtyTable: undefined, problems, warnings })
  const incomplete = (problem: string, remedy: string) =>
    errors.incomplete({ ...whereOf(source, root, 'value'), problem, remedy })
  if (root.entries === undefined) return refused(incomplete('This must be an object.', `Write \`{"${PREFIX}max-rows": 100}\`.`))
  const ours = [...root.entries].filter(([key]) => key.startsWith(PREFIX))
  const others = [...root.entries.keys()].filter(key => !key.startsWith(PREFIX))
  const dirty = objectNode(
    root,
    ours.map(([key, node]) => [key.slice(PREFIX.length), node]),
  )
  const owner = { owner: 'Flink configuration', dialect: 'chunjun-1.16', noun: 'setting' } as const
  const checked = checkOptions(schema, dirty.value as JobObject, new Places(dirty, source), owner)
  const { options } = checked
  if (options === undefined) return refused(...checked.problems)
  const isTable = options['output-type'] === 'jdbc'
  const problem = isTable ? problemOf(options) : undefined
  if (problem !== undefined) return refused(incomplete(problem, 'Complete it, or choose the output type "log".'))
  const noted = [...notesOf(dirty), ...foreign(others)].map(note => ({ code: 'job.noted-setting', ...note }))
  return {
    apply: settings => applied(settings, options),
    dirtyTable: isTable ? tableOf(options) : undefined,
    problems: [],
    warnings: [...warnings, ...checked.warnings, ...noted],
  }

  function notesOf({ entries = new Map<string, Node>() }: Node): Omit<Warning, 'code'>[] {
    return Object.entries(NOTES).flatMap(([key, note]) => {
      const node = entries.get(key)
      if (node === undefined || meansNothing(node.value)) return []
      return [{ message: `${PREFIX}${key} ${note}.`, place: source.place(node.keyStart) }]
    })
  }
}

function foreign(keys: readonly string[]): Omit<Warning, 'code'>[] {
  if (keys.length === 0) return []
  return [{ message: `Keys of ${FILE} that concern a Flink cluster and have no effect here: ${keys.join(', ')}.` }]
}

function problemOf(options: Options): string | undefined {
  const needed = ['jdbc.url', 'jdbc.username', 'jdbc.table'] as const
  const missing = needed.filter(key => (options[key] ?? '') === '')
  if (missing.length > 0) return `The output type "jdbc" needs ${missing.map(key => `"${PREFIX}${key}"`).join(', ')}.`
  return JDBC.test(options['jdbc.url'] ?? '') ? undefined : `"${PREFIX}jdbc.url" is no JDBC URL.`
}

/** The sink that a job file would name for it; the word behind `jdbc:` is a name of its connector. */
function tableOf(options: Options): DraftSide {
  const url = options['jdbc.url'] ?? ''
  const side = {
    connector: JDBC.exec(url)?.[1],
    connection: [{ jdbcUrl: url, table: [options['jdbc.table']] }],
    username: options['jdbc.username'],
    password: options['jdbc.password'],
    database: options['jdbc.database'],
  }
  const { root, source } = parseJson(JSON.stringify(side), FILE)
  return { ...connectorSide(childOf(root, 'connector')!), source }
}

/** ChunJun stops at the row that makes up the number, we at the first one above it; without a number the job file decides. */
function applied(settings: Settings, options: Options): Settings {
  const { 'max-rows': rows, 'output-type': output } = options
  const every = output === 'log' ? options['log.print-interval'] : output === 'default' ? 1 : undefined
  return {
    ...settings,
    ...(rows === undefined ? {} : { errorLimit: { record: rows < 0 ? null : Math.max(rows - 1, 0), percentage: null } }),
    ...(every === undefined ? {} : { dirty: { ...settings.dirty, log: { every } } }),
  }
}
