/** A torture of many hours in parts: each goes on behind the rounds that are in the report of those before it. */
import { readFile } from 'node:fs/promises'
import { tortureErrors } from './errors.ts'
import { TORTURE_FORMAT, type Cell, type TortureReport } from './report.ts'

/** Throws `torture.not-continued` when the file is no report. */
export async function readReport(file: string): Promise<TortureReport> {
  const report = await readFile(file, 'utf8')
    .then(text => JSON.parse(text) as { readonly format?: unknown } | null)
    .catch((cause: unknown) => {
      throw tortureErrors.notContinued({ reason: `${file} cannot be read` }, cause)
    })
  if (report?.format !== TORTURE_FORMAT)
    throw tortureErrors.notContinued({ reason: `${file} is not of the format ${TORTURE_FORMAT}` })
  return report as TortureReport
}

/** Throws when figures of both would say nothing together. */
export function checkContinues(
  earlier: TortureReport,
  now: Pick<TortureReport, 'sluice' | 'seed' | 'rows' | 'freezeSeconds' | 'servers'>,
): void {
  for (const part of ['sluice', 'seed', 'rows', 'freezeSeconds', 'servers'] as const) {
    const [before, after] = [String(earlier[part]), String(now[part])]
    if (before !== after) throw tortureErrors.notContinued({ reason: `its ${part} was ${before}, and now it is ${after}` })
  }
}

/** Rounds that a fault has had on a pair. */
export const roundsHad = ({ cells }: TortureReport, fault: string, pair: string): number =>
  cells.find(cell => cell.fault === fault && cell.pair === pair)?.rounds ?? 0

/** What both have found, as one torture of as many rounds as the later one was to reach. */
export function addReports(earlier: TortureReport, later: TortureReport): TortureReport {
  const cells = new Map(earlier.cells.map(cell => [nameOf(cell), cell]))
  for (const cell of later.cells) {
    const before = cells.get(nameOf(cell))
    cells.set(nameOf(cell), before === undefined ? cell : addCells(before, cell))
  }
  // Either may have been of some faults only.
  const absent = new Map([...earlier.absent, ...later.absent].map(absence => [nameOf(absence), absence]))
  const seconds = earlier.seconds + later.seconds
  return { ...later, began: earlier.began, seconds, cells: [...cells.values()], absent: [...absent.values()] }
}

const nameOf = ({ fault, pair }: { readonly fault: string; readonly pair: string }) => `${fault}/${pair}`

function addCells(a: Cell, b: Cell): Cell {
  const stops = { ...a.stops }
  for (const [code, times] of Object.entries(b.stops)) stops[code] = (stops[code] ?? 0) + times
  const worst = Math.max(a.worstRecoverySeconds ?? -1, b.worstRecoverySeconds ?? -1)
  return {
    ...{ fault: a.fault, pair: a.pair },
    rounds: a.rounds + b.rounds,
    attempts: a.attempts + b.attempts,
    fired: a.fired + b.fired,
    lost: a.lost + b.lost,
    repeated: a.repeated + b.repeated,
    changed: a.changed + b.changed,
    worstRecoverySeconds: worst < 0 ? null : worst,
    stops,
    failures: [...a.failures, ...b.failures],
  }
}
