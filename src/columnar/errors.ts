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
  badSlab: {
    fault: 'bug',
    message: (d: { columns: number; expected: number }) =>
      `A slab of ${d.columns} columns arrived where one of ${d.expected} was due.`,
  },
})
