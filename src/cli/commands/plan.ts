import * as catalog from '#catalog'
import { withPlan } from '#engine'
import { command } from '../command.ts'
import { EXIT_CODES } from '../exit-codes.ts'
import { loadSpec, type JobFlags } from '../load-spec.ts'
import { renderPlan, type SplitCount } from '../print-plan.ts'
import { printWarnings } from '../print-warnings.ts'
import { withoutDetail } from '../progress.ts'
import { safeLine, safeText } from '../secrets.ts'
import { stopSignals } from '../stop-signals.ts'

export const plan = command(async (flags: JobFlags & { readonly json?: boolean }, file: string): Promise<number> => {
  const { spec, warnings } = await loadSpec(file, flags)
  const json = flags.json === true
  printWarnings(warnings, json)
  using stop = stopSignals(() => {})
  const signal = AbortSignal.any([stop.drain, stop.abort])
  await withPlan(
    spec,
    catalog,
    signal,
    message => process.stderr.write(safeText(`${message}\n`)),
    async ({ plan, reader }) => {
      const splits: SplitCount[] = []
      for (const { dataset } of plan.datasets) {
        let count = 0
        for await (const _ of reader.enumerate(dataset)) count++
        splits.push({ dataset: dataset.id, splits: count })
      }
      process.stdout.write(
        json ? safeLine({ event: 'plan', plan: withoutDetail(plan), splits }) : safeText(`${renderPlan(plan, splits)}\n`),
      )
    },
  )
  return EXIT_CODES.ok.code
})
