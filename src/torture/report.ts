/** What a torture found out; plain data, as `--report` writes it and docs/reliability.md shows it. */

export const TORTURE_FORMAT = 'sluice-torture/3'

export interface TortureReport {
  readonly format: typeof TORTURE_FORMAT
  readonly sluice: string
  /** ISO 8601, UTC. */
  readonly began: string
  readonly seconds: number
  readonly seed: number
  /** Rounds of the whole matrix that were asked for; cells say how many they had. */
  readonly rounds: number
  readonly rows: number
  readonly freezeSeconds: number
  readonly machine: {
    readonly system: string
    readonly processor: string
    readonly cores: number
    readonly memoryBytes: number
    readonly node: string
  }
  /** Versions, as the servers say them. */
  readonly servers: readonly string[]
  readonly cells: readonly Cell[]
  readonly absent: readonly Absence[]
}

/** A cell that has no rounds, and why. */
export interface Absence {
  readonly fault: string
  readonly pair: string
  readonly reason: string
}

/** All rounds of one fault on one pair. */
export interface Cell {
  readonly fault: string
  readonly pair: string
  readonly rounds: number
  /** More than rounds when the fault came too late and was tried again; all of them are judged. */
  readonly attempts: number
  /** Rounds in which the fault has provably happened. */
  readonly fired: number
  /** Keys of the source that the target did not have at the end, over all attempts. */
  readonly lost: number
  /** Rows that the target had more than once. */
  readonly repeated: number
  /** Rounds after which rows and keys were right and the content was not. */
  readonly changed: number
  /** Longest time from the end of a fault to that of the whole job; null when no round had such a moment. */
  readonly worstRecoverySeconds: number | null
  /** Refusals to go on, which are right where what a run needs to know was taken from it: code → rounds. */
  readonly stops: Readonly<Record<string, number>>
  /** Rounds that did not go as promised, and how. */
  readonly failures: readonly string[]
}

/** Every fault fired, and nothing was lost, repeated, changed, or ended otherwise than promised. */
export const isExact = ({ fired, lost, repeated, changed, failures }: Cell) =>
  fired > 0 && lost === 0 && repeated === 0 && changed === 0 && failures.length === 0

export interface RoundResult {
  readonly fault: string
  readonly pair: string
  /** From 0; it comes more than once when its fault came too late. */
  readonly round: number
  readonly fired: boolean
  readonly lost: number
  readonly repeated: number
  readonly changed: boolean
  readonly recoverySeconds?: number
  readonly stop?: string
  readonly failure?: string
}

/** What a round did not find exact, or did not end as promised. */
export const isWrong = ({ lost, repeated, changed, failure }: RoundResult) =>
  lost > 0 || repeated > 0 || changed || failure !== undefined

/** The sum of all attempts of one fault on one pair; nothing when there was none. */
export function cellOf(attempts: readonly RoundResult[]): Cell[] {
  const [first] = attempts
  if (first === undefined) return []
  const total = (figure: (round: RoundResult) => number) => attempts.reduce((sum, round) => sum + figure(round), 0)
  const recoveries = attempts.flatMap(({ fired, recoverySeconds }) =>
    fired && recoverySeconds !== undefined ? [recoverySeconds] : [],
  )
  const stops = Map.groupBy(
    attempts.flatMap(({ stop }) => stop ?? []),
    stop => stop,
  )
  return [
    {
      fault: first.fault,
      pair: first.pair,
      rounds: new Set(attempts.map(({ round }) => round)).size,
      attempts: attempts.length,
      fired: total(({ fired }) => Number(fired)),
      lost: total(({ lost }) => lost),
      repeated: total(({ repeated }) => repeated),
      changed: total(({ changed }) => Number(changed)),
      worstRecoverySeconds: recoveries.length === 0 ? null : Number(Math.max(...recoveries).toFixed(2)),
      stops: Object.fromEntries([...stops].map(([code, times]) => [code, times.length])),
      failures: attempts.flatMap(({ round, failure }) => (failure === undefined ? [] : [`round ${round}: ${failure}`])),
    },
  ]
}
