/** The ways in which the suite must find a sink wrong. Each is a switch: the correct connector with one thing changed. */

export const LEDGER_FAULTS = [
  'plan-creates',
  'plan-varies',
  'weak-guarantee',
  'visible-before-commit',
  'rows-before-positions',
  'positions-before-rows',
  'claim-raises-no-epoch',
  'claim-keeps-the-holder',
  'reclaim-takes-over',
  'reclaim-compares-epochs',
  'reclaim-raises-no-epoch',
  'commit-checks-no-epoch',
  'claim-does-not-wait',
  'begin-does-not-fence',
  'finish-checks-no-epoch',
  'dispose-commits',
  'find-claims',
  'forgets-memo',
  'forgets-splits',
  'forgets-positions',
  'finish-is-not-recorded',
  'keeps-old-runs',
  'jobs-share-a-ledger',
  'makes-a-new-ledger',
  'keeps-the-batch',
  'loses-nulls',
  'loses-last-row',
  'commits-twice-when-unsure',
  'hides-lost-connection',
  'raw-error',
  'leaves-socket-open',
  'never-waits',
  'ignores-abort',
  'inserts-instead-of-updating',
] as const
export const TWO_PHASE_FAULTS = [
  'prepare-publishes',
  'commit-adds-again',
  'commit-needs-the-same-writer',
  'forgets-marks',
  'marks-when-prepared',
  'marks-of-older-run',
  'drops-what-is-kept',
  'keeps-what-is-dropped',
  'dispose-publishes',
  'publishes-all-that-is-staged',
  'date-in-committable',
  'finish-is-not-marked',
  'marks-need-rows',
] as const
export const PLAIN_FAULTS = ['flush-does-nothing', 'resuming-clears'] as const
export type LedgerFault = (typeof LEDGER_FAULTS)[number]
export type TwoPhaseFault = (typeof TWO_PHASE_FAULTS)[number]
export type PlainFault = (typeof PLAIN_FAULTS)[number]
export type SinkFault = LedgerFault | TwoPhaseFault | PlainFault
