import { styleText } from 'node:util'
import * as catalog from '#catalog'
import { verifyDataset, withPlan, type DatasetVerdict } from '#engine'
import { command } from '../command.ts'
import { countOf } from '../count-flag.ts'
import { EXIT_CODES } from '../exit-codes.ts'
import { formatCount } from '../format.ts'
import { loadSpec, type JobFlags } from '../load-spec.ts'
import { printWarnings } from '../print-warnings.ts'
import { safeLine, safeText } from '../secrets.ts'
import { stopSignals } from '../stop-signals.ts'

export interface VerifyFlags extends JobFlags {
  readonly json?: boolean
  readonly rows?: string
}

const DEFAULT_ROWS = '20'

export const verify = command(async (flags: VerifyFlags, file: string): Promise<number> => {
  const rows = countOf('rows', flags.rows ?? DEFAULT_ROWS)
  const { spec, warnings } = await loadSpec(file, flags)
  const json = flags.json === true
  printWarnings(warnings, json)
  using stop = stopSignals(() => {})
  const signal = AbortSignal.any([stop.drain, stop.abort])
  const verdicts: DatasetVerdict[] = []
  await withPlan(
    spec,
    catalog,
    signal,
    message => process.stderr.write(safeText(`${message}\n`)),
    async ({ plan, reader }) => {
      for (const { dataset, target } of plan.datasets) {
        const verdict = await verifyDataset(spec, catalog, { dataset, target, reader }, { signal, rows })
        verdicts.push(verdict)
        process.stdout.write(json ? safeLine({ event: 'verdict', ...verdict }) : safeText(`${render(verdict)}\n`))
      }
    },
  )
  return verdicts.every(({ isEqual }) => isEqual) ? EXIT_CODES.ok.code : EXIT_CODES.differs.code
})

function render({
  dataset,
  target,
  isEqual,
  by,
  sourceRows,
  targetRows,
  chunks,
  differingChunks,
  rows,
  notes,
}: DatasetVerdict): string {
  const pair = `${dataset} = ${target}`
  if (isEqual)
    return `${styleText('green', 'equal')}  ${pair}: ${formatCount(sourceRows)} rows in ${chunks} chunks, counts and checksums by ${by}`
  return [
    `${styleText('red', 'differ')} ${pair.replace(' = ', ' ≠ ')}: ${formatCount(sourceRows)} and ${formatCount(targetRows)} rows, ${differingChunks} of ${chunks} chunks`,
    ...rows.map(({ key, where }) => `  ${where}: ${key}`),
    ...notes.map(note => `  ${note}`),
  ].join('\n')
}
