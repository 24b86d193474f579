/**
 * FlinkX's own command line: `-mode local -job job.json -p k=v …`, so that scheduler scripts keep working.
 * Flags of both generations; those that only concern a Flink cluster or a plugin folder mean nothing here and are named.
 */
import { cliErrors } from './errors.ts'

const IGNORED = new Set([
  ...[
    'pluginRoot',
    'flinkconf',
    'yarnconf',
    'flinkLibJar',
    'remotePluginPath',
    'pluginLoadMode',
    'parallelism',
    'priority',
    'queue',
  ],
  ...[
    'jobType',
    'flinkConfDir',
    'chunjunDistDir',
    'flinkxDistDir',
    'hadoopConfDir',
    'flinkLibDir',
    'remoteChunJunDistDir',
    'runMode',
  ],
  'monitor',
])

const REFUSED: Readonly<Record<string, string>> = {
  s: 'savepoints are files of Flink; an unfinished run is gone on with by `--resume`',
  krb5conf: 'Kerberos comes with a later version',
  keytab: 'Kerberos comes with a later version',
  principal: 'Kerberos comes with a later version',
  addjar: 'there is no JVM',
  addShipfile: 'there is no cluster to ship files to',
  appId: 'there is no YARN session to attach to',
}

/** Whether a command line is FlinkX's: it has `-job`, or begins with `-mode`. */
export const isFlinkxLine = (args: readonly string[]): boolean => args.includes('-job') || args[0] === '-mode'

/** The same as a native command line, with what was ignored on the way. */
export function translateFlinkxLine(args: readonly string[]): { readonly args: string[]; readonly ignored: readonly string[] } {
  const flags = new Map<string, string>()
  for (let i = 0; i < args.length; i += 2) flags.set((args[i] ?? '').replace(/^-+/, ''), args[i + 1] ?? '')
  const ignored: string[] = []
  const job = flags.get('job')
  const translated = job === undefined ? ['run'] : ['run', job]
  for (const [flag, value] of flags) {
    if (flag === 'job' || value === '') continue
    if (flag === 'mode') refuseOtherModes(value)
    else if (flag === 'p') translated.push('--parameters', value)
    else if (flag === 'confProp') translated.push('--conf-prop', value)
    else if (flag === 'jobName' || flag === 'jobid') translated.push('--name', value)
    else if (IGNORED.has(flag)) ignored.push(flag)
    else throw cliErrors.flagRefused({ flag, why: REFUSED[flag] ?? 'it is not one that FlinkX or ChunJun documents' })
  }
  return { args: translated, ignored }
}

function refuseOtherModes(mode: string): void {
  if (mode !== 'local' && mode !== 'local-test') throw cliErrors.modeUnknown({ mode })
}
