/** All faults, in the order of the matrix. */
import { diskFaults } from './disk-faults.ts'
import { engineFaults } from './engine-faults.ts'
import { networkFaults } from './network-faults.ts'
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
