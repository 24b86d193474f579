import { styleText } from 'node:util'
import type { RunReport } from '#engine'
import { formatBytes, formatCount, formatRate, formatSeconds, formatShare } from './format.ts'

/** The end of a run, for people: rows, time, rate, where the time went, memory, guarantee. */
export function renderReport(report: RunReport, peakMemoryBytes: number): string {
  const { meter, seconds, outcome, attempts, guarantee } = report
  if (outcome === 'already-finished') return ''
  const busy = meter.waitSourceMs + meter.decodeMs + meter.encodeMs + meter.waitSinkMs + meter.commitMs
  const shares = [
    ['waiting for the source', meter.waitSourceMs],
    ['decoding', meter.decodeMs],
    ['encoding', meter.encodeMs],
    ['waiting for the sink', meter.waitSinkMs + meter.commitMs],
  ] as const
  const head =
    outcome === 'finished'
      ? styleText('green', 'finished')
      : `${styleText('yellow', 'stopped')} after a commit; go on with --resume`
  return [
    `${head}: ${formatCount(meter.rowsWritten)} rows (${formatBytes(meter.bytesWritten)}) in ${formatSeconds(seconds)}, ${formatRate(meter.rowsWritten / Math.max(seconds, 0.001))}`,
    ...(report.rowsBad === 0
      ? []
      : [
          `  ${styleText('yellow', `${formatCount(report.rowsBad)} rows set aside`)}: \`sluice dirty show\` with the same job file`,
        ]),
    `  ${report.splitsDone} of ${report.splits} splits, ${meter.commits} commits, ${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}, peak memory ${formatBytes(peakMemoryBytes)}, ${guarantee.delivery}`,
    `  time: ${shares.map(([name, ms]) => `${formatShare(ms, busy)} ${name}`).join(', ')}`,
  ].join('\n')
}
