import { defineErrors } from '#errors'

export const columnarErrors = defineErrors('columnar', {
  noCast: {
    fault: 'usage',
    message: (d: { from: string; to: string }) => `A value of type ${d.from} cannot become one of type ${d.to}.`,
    hint: () => 'Choose another type for the target column, or leave the column out.',
  },
  badValue: {
    fault: 'data',
    message: (d: { column: string; reason: string }) => `Column "${d.column}": ${d.reason}.`,
    hint: () => 'Correct the value, or declare the column with a type that can hold it.',
  },
  notInArrow: {
    fault: 'data',
    message: (d: { column: string; row: number; reason: string }) =>
      `Column "${d.column}", row ${d.row} of the batch: Arrow cannot hold ${d.reason}.`,
    hint: () => 'Correct the value in the source, exclude the row with `where`, or read the column as text.',
  },
  unknownArrow: {
    fault: 'usage',
    message: (d: { column: string; reason: string }) => `Column "${d.column}" of the Arrow data cannot be read: ${d.reason}.`,
    hint: () => 'Write it with another type, without dictionary encoding and with plain layouts.',
  },
  badIpc: {
    fault: 'data',
    message: (d: { reason: string }) => `This is not Arrow IPC data that can be read: ${d.reason}.`,
    hint: () => 'Write it again, uncompressed, with metadata version 5 (any Arrow library since 1.0).',
  },
  badSlab: {
    fault: 'bug',
    message: (d: { reason: string }) => `A slab does not fit its schema: ${d.reason}.`,
  },
})
