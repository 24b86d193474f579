/** All faults, in the order of the matrix. */
import { diskFaults } from './disk-faults.ts'
import { engineFaults } from './engine-faults.ts'
import { networkFaults } from './network-faults.ts'
import type { Cell } from './report.ts'
import { restart } from './restart-fault.ts'
import type { Fault } from './round.ts'
import { signalFaults } from './signal-faults.ts'
import { sinkFaults } from './sink-faults.ts'

export const FAULTS: readonly Fault[] = [
  ...signalFaults,
  ...networkFaults('source', 'to-client'),
  ...networkFaults('sink', 'to-server'),
  ...sinkFaults,
  restart('source'),
  restart('sink'),
  ...engineFaults,
  ...diskFaults,
]

/** Rounds of the whole matrix in which a cell has had so many; the last may not be whole. */
export function matrixRounds({ fault, rounds }: Pick<Cell, 'fault' | 'rounds'>): number {
  return rounds / (FAULTS.find(({ name }) => name === fault)?.perRound ?? 1)
}
