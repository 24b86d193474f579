/**
 * Which settings the engine honours. A setting that it does not honour is refused or noted by name, never dropped.
 *
 * Change a line here when the engine learns a setting; nothing else decides it. Tested by check-settings.test.ts.
 */
import type { Settings } from './settings.ts'

export type Support =
  /** The engine does what it says. */
  | 'supported'
  /** The job would do something else without it: an error. */
  | 'refused'
  /** The job does the same without it, or a safer thing: a warning. */
  | 'noted'

export interface SettingSupport {
  /** Path in {@link Settings}. */
  readonly name: string
  readonly status: Support
  /** One sentence, shown to the user. */
  readonly why?: string
  /** Whether the settings ask for it at all; otherwise any value that the file gives does. */
  readonly isAsked?: (settings: Settings) => boolean
}

export const SETTING_SUPPORT: readonly SettingSupport[] = [
  { name: 'channels', status: 'supported' },
  { name: 'readerChannels', status: 'supported' },
  { name: 'writerChannels', status: 'supported' },
  { name: 'bytesPerSecond', status: 'supported' },
  { name: 'rowsPerSecond', status: 'supported' },
  {
    name: 'rebalance',
    status: 'noted',
    why: 'Splits are always balanced over the workers.',
    isAsked: ({ rebalance }) => rebalance,
  },
  { name: 'errorLimit.record', status: 'supported' },
  { name: 'errorLimit.percentage', status: 'supported' },
  { name: 'badRows', status: 'supported' },
  { name: 'restore.isRestore', status: 'supported' },
  {
    name: 'restore.isStream',
    status: 'refused',
    why: 'Jobs without an end come with a later version.',
    isAsked: ({ restore }) => restore.isStream,
  },
  { name: 'restore.restoreColumnName', status: 'supported' },
  { name: 'restore.restoreColumnIndex', status: 'supported' },
  {
    name: 'restore.restoreColumnType',
    status: 'noted',
    why: 'The type is taken from the source itself.',
    isAsked: ({ restore }) => restore.restoreColumnType !== undefined,
  },
  { name: 'restore.maxRowNumForCheckpoint', status: 'supported' },
  {
    name: 'dirty.path',
    status: 'noted',
    why: 'Rows that are set aside are stored in the state directory: the path is not on this machine.',
    isAsked: ({ dirty }) => dirty?.path !== undefined && localFolder(dirty.path) === undefined,
  },
  {
    name: 'dirty.hadoopConfig',
    status: 'noted',
    why: 'Rows that are set aside are stored on this machine.',
    isAsked: ({ dirty }) => dirty?.hadoopConfig !== undefined,
  },
  {
    name: 'dirty.tableName',
    status: 'noted',
    why: 'FlinkX writes rows that are set aside to files, not to a table of that name. To have them in a table, name its connector and options in `dirty.table`.',
    isAsked: ({ dirty }) => dirty?.tableName !== undefined,
  },
  { name: 'dirty.table', status: 'supported' },
  { name: 'dirty.log', status: 'supported' },
  { name: 'restart', status: 'supported' },
  {
    name: 'log',
    status: 'noted',
    why: 'The log goes to the standard error output.',
    isAsked: ({ log }) => log?.isLogger === true,
  },
  { name: 'checkpointInterval', status: 'supported' },
  { name: 'memory', status: 'supported' },
  { name: 'ledger', status: 'supported' },
  { name: 'stateDir', status: 'supported' },
  { name: 'metricPluginConfig', status: 'noted', why: 'Metrics are part of the report of a run.' },
  { name: 'test', status: 'refused', why: 'Fault injection of FlinkX has no counterpart.' },
]

/** A folder of this machine; undefined for `hdfs://…` and the like. */
export function localFolder(path: string): string | undefined {
  const local = path.replace(/^file:\/\/(?=\/)/, '')
  return /^[a-z][a-z0-9+.-]+:/i.test(local) ? undefined : local
}
