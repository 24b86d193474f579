/** The plan as text: what will be read and written, every loss, SQL, memory, guarantee. */
import { styleText } from 'node:util'
import type { ColumnPlan, DatasetPlan, Plan } from '#engine'
import { formatBytes, formatCount, formatTable } from './format.ts'

export interface SplitCount {
  readonly dataset: string
  readonly splits: number
}

const bold = (text: string) => styleText('bold', text)
const dim = (text: string) => styleText('dim', text)

/** The whole plan, for `sluice plan`. */
export function renderPlan(plan: Plan, splits: readonly SplitCount[]): string {
  const lines = [bold(`${plan.job}: ${plan.source.title} → ${plan.sink.title}`), '']
  for (const item of plan.datasets)
    lines.push(
      ...renderDataset(
        item,
        splits.find(({ dataset }) => dataset === item.dataset.id),
      ),
      '',
    )
  lines.push(...renderGuarantee(plan), ...renderMemory(plan), ...renderBadRows(plan), ...renderRates(plan))
  return lines.join('\n')
}

/** Few lines, for the beginning of a run. */
export function renderPlanSummary(plan: Plan): string {
  const pairs = plan.datasets.map(({ dataset, target, columns }) => {
    const estimate = dataset.estimatedRows === undefined ? '' : `, about ${formatCount(dataset.estimatedRows)} rows`
    return `  ${dataset.id} → ${target.name}  ${dim(`${columns.length} columns${estimate}`)}`
  })
  const notes = plan.notes
    .filter(({ level }) => level === 'warning')
    .map(({ text }) => `  ${styleText('yellow', 'note')} ${text}`)
  return [
    bold(`${plan.source.title} → ${plan.sink.title}`),
    ...pairs,
    ...notes,
    ...renderGuarantee(plan),
    ...renderMemory(plan),
    ...renderBadRows(plan),
    ...renderRates(plan),
  ].join('\n')
}

function renderDataset({ dataset, target, read, columns }: DatasetPlan, splits: SplitCount | undefined): string[] {
  const count = splits === undefined ? '' : ` in ${splits.splits} ${splits.splits === 1 ? 'split' : 'splits'}`
  return [
    bold(`${dataset.id} → ${target.name}`),
    ...(dataset.estimatedRows === undefined ? [] : [`  about ${formatCount(dataset.estimatedRows)} rows${count}`]),
    `  resumes by ${read.resume.by}: ${read.resume.why}`,
    '  columns',
    ...formatTable(columns.map(renderColumn)).map(line => `    ${line}`),
    '  reading',
    ...read.statements.map(line => `    ${line}`),
    '  writing',
    ...target.statements.map(line => `    ${line}`),
    ...[...read.notes, ...target.notes].map(
      ({ level, text }) => `  ${level === 'warning' ? styleText('yellow', 'note') : dim('note')} ${text}`,
    ),
  ]
}

function renderColumn({ source, sourceType, target, targetType, cast, note }: ColumnPlan): string[] {
  const how = cast === 'same' ? '' : cast === 'lossless' ? 'widened' : 'checked: values that do not fit are refused'
  return [source, dim(sourceType), '→', target, dim(targetType), [how, note].filter(Boolean).join('; ')]
}

function renderGuarantee({ guarantee }: Plan): string[] {
  const color = guarantee.delivery === 'exactly-once' ? 'green' : 'yellow'
  return [`guarantee  ${styleText(color, guarantee.delivery)}  ${guarantee.why}`]
}

function renderBadRows({ badRows, badRowTable }: Plan): string[] {
  if (badRows === undefined) return []
  const { record, percentage } = badRows.limit
  const limits = [record === null ? '' : `${formatCount(record)} rows`, percentage === null ? '' : `${percentage} % of the rows`]
  const most = limits.filter(Boolean).join(' and ')
  const fatal = Object.entries(badRows.kinds).flatMap(([kind, action]) => (action === 'fail' ? [kind] : []))
  const but = fatal.length === 0 ? '' : `; the first one of kind ${fatal.join(' or ')} stops the run`
  const copied = badRowTable === undefined ? '' : ` and copied into a table of ${badRowTable} at the end`
  return [`bad rows   ${most === '' ? 'any number is' : `at most ${most} are`} set aside${copied}${but}`]
}

function renderRates({ limits: { rowsPerSecond, bytesPerSecond } }: Plan): string[] {
  const rates = [
    rowsPerSecond === undefined ? '' : `${formatCount(rowsPerSecond)} rows/s`,
    bytesPerSecond === undefined ? '' : `${formatBytes(bytesPerSecond)}/s`,
  ]
  const most = rates.filter(Boolean).join(' and ')
  return most === '' ? [] : [`rate       at most ${most}, all channels together`]
}

function renderMemory({ memory, readers, writers }: Plan): string[] {
  const parts = memory.parts.map(({ name, bytes, count }) => `${count} × ${formatBytes(bytes)} ${name}`).join(', ')
  const workers =
    readers === writers ? `${readers} ${readers === 1 ? 'channel' : 'channels'}` : `${readers} readers, ${writers} writers`
  return [`memory     at most ${formatBytes(memory.bytes)} for rows  ${dim(parts)}`, `workers    ${workers}`]
}
