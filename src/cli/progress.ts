/** Progress of a run: a table that redraws itself on a terminal, plain lines elsewhere, JSON lines on request. Talk goes to stderr. */
import { styleText } from 'node:util'
import type { Meter, Plan, RunEvent } from '#engine'
import { renderError } from './print-error.ts'
import { formatCount, formatRate, formatSeconds, formatShare, formatTable } from './format.ts'
import { renderPlanSummary } from './print-plan.ts'
import { safeLine, safeText } from './secrets.ts'

export interface ProgressView {
  event(event: RunEvent): void
  /** Draws the last state; afterwards other lines may be printed. */
  end(): void
}

const PLAIN_EVERY_MS = 2_000
const CLEAR_LINE = '\u001B[2K'

export function progressView(options: {
  readonly json: boolean
  readonly out: NodeJS.WriteStream
  readonly data: NodeJS.WriteStream
}): ProgressView {
  if (options.json) return jsonView(options.data)
  return options.out.isTTY ? new TableView(options.out) : new LineView(options.out)
}

/** One JSON object per event; `meter` as it is. */
function jsonView(out: NodeJS.WriteStream): ProgressView {
  return {
    event: event => {
      const { kind, ...rest } = event
      if (event.kind === 'planned') out.write(safeLine({ event: kind, plan: withoutDetail(event.plan) }))
      else if (event.kind === 'restarting') out.write(safeLine({ event: kind, ...rest, error: event.error.toJSON() }))
      else out.write(safeLine({ event: kind, ...rest }))
    },
    end: () => {},
  }
}

/** The plan without what only writers understand. */
export function withoutDetail(plan: Plan): object {
  return { ...plan, datasets: plan.datasets.map(({ target: { detail: _, ...target }, ...rest }) => ({ ...rest, target })) }
}

/** What happened, in a sentence; undefined for what only the table shows. */
function describe(event: RunEvent): string | undefined {
  switch (event.kind) {
    case 'planned':
      return renderPlanSummary(event.plan)
    case 'left-behind':
      return `${styleText('yellow', 'note')} Run ${event.run} (begun ${event.began}) was not finished: ${event.splitsDone} of ${event.splits} splits are in the target. This run begins afresh; use --resume to go on with an unfinished one.`
    case 'begun':
      return `run ${event.run}, ${event.splits} ${event.splits === 1 ? 'split' : 'splits'}`
    case 'resumed': {
      const places = event.positions.slice(0, 3).map(({ split, position }) => `${split} after ${JSON.stringify(position)}`)
      const where = places.length > 0 ? `, going on in ${places.join(', ')}${event.positions.length > 3 ? ' …' : ''}` : ''
      return `${styleText('cyan', 'resuming')} run ${event.run} (begun ${event.began}): ${event.splitsDone} of ${event.splits} splits are done${where}`
    }
    case 'already-finished':
      return `Run ${event.run} has been finished before; nothing to do.`
    case 'restarting':
      return `${renderError(event.error)}\nattempt ${event.attempt} in ${formatSeconds(event.delayMs / 1000)}, from the last commit`
    case 'warning':
      return `${styleText('yellow', 'warning')} ${event.message}`
    case 'progress':
      return undefined
  }
}

/** Knows rates and remaining time from the meters that pass by. */
class Pace {
  #plan: Plan | undefined
  #since = performance.now()
  #recent: { at: number; rows: number }[] = []
  last: { meter: Meter; splits: number; splitsDone: number } | undefined

  take(event: RunEvent): void {
    if (event.kind === 'planned') this.#plan = event.plan
    if (event.kind === 'begun' || event.kind === 'resumed') this.#since = performance.now()
    if (event.kind !== 'progress') return
    this.last = event
    this.#recent.push({ at: performance.now(), rows: event.meter.rowsWritten })
    if (this.#recent.length > 12) this.#recent.shift()
  }

  get seconds(): number {
    return (performance.now() - this.#since) / 1000
  }

  get rate(): number {
    const [first, latest] = [this.#recent[0], this.#recent.at(-1)]
    if (first === undefined || latest === undefined || latest.at === first.at) return 0
    return ((latest.rows - first.rows) * 1000) / (latest.at - first.at)
  }

  table(): string[] {
    const { last } = this
    if (last === undefined) return []
    const rows = (this.#plan?.datasets ?? []).map(({ dataset, target }) => {
      const done = last.meter.rowsByDataset[dataset.id] ?? 0
      const estimate = dataset.estimatedRows
      return [
        `${dataset.id} → ${target.name}`,
        formatCount(done),
        estimate ? formatShare(Math.min(done, estimate), estimate) : '',
        this.#eta(done, estimate),
      ]
    })
    const total = [
      `${last.splitsDone} of ${last.splits} splits`,
      formatCount(last.meter.rowsWritten),
      formatRate(this.rate),
      formatSeconds(this.seconds),
    ]
    return formatTable([['table', 'rows', 'share', 'left'], ...rows, total], [false, true, true, true])
  }

  #eta(done: number, estimate: number | undefined): string {
    if (!estimate || done === 0 || this.rate === 0 || done >= estimate) return ''
    return formatSeconds((estimate - done) / this.rate)
  }

  line(): string {
    const { last } = this
    return `${formatSeconds(this.seconds)}: ${formatCount(last?.meter.rowsWritten ?? 0)} rows, ${formatRate(this.rate)}, ${last?.splitsDone ?? 0} of ${last?.splits ?? 0} splits`
  }
}

class TableView implements ProgressView {
  readonly #out: NodeJS.WriteStream
  readonly #pace = new Pace()
  #drawn = 0

  constructor(out: NodeJS.WriteStream) {
    this.#out = out
  }

  event(event: RunEvent): void {
    this.#pace.take(event)
    const text = describe(event)
    if (text !== undefined) this.#print(safeText(text))
    else this.#draw()
  }

  end(): void {
    this.#draw()
  }

  /** A lasting line, above the table. */
  #print(text: string): void {
    this.#erase()
    this.#out.write(`${text}\n`)
    this.#draw()
  }

  #draw(): void {
    this.#erase()
    const lines = this.#pace.table().map(line => line.slice(0, (this.#out.columns || 80) - 1))
    if (lines.length > 0) this.#out.write(`${lines.join('\n')}\n`)
    this.#drawn = lines.length
  }

  #erase(): void {
    if (this.#drawn > 0) this.#out.write(`\u001B[${this.#drawn}A${`${CLEAR_LINE}\n`.repeat(this.#drawn)}\u001B[${this.#drawn}A`)
    this.#drawn = 0
  }
}

class LineView implements ProgressView {
  readonly #out: NodeJS.WriteStream
  readonly #pace = new Pace()
  #lastLine = performance.now()

  constructor(out: NodeJS.WriteStream) {
    this.#out = out
  }

  event(event: RunEvent): void {
    this.#pace.take(event)
    const text = describe(event)
    if (text !== undefined) this.#out.write(safeText(`${text}\n`))
    else if (performance.now() - this.#lastLine >= PLAIN_EVERY_MS) {
      this.#lastLine = performance.now()
      this.#out.write(`${this.#pace.line()}\n`)
    }
  }

  end(): void {}
}
