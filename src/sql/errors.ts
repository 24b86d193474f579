import { defineErrors } from '#errors'

export const sqlErrors = defineErrors('sql', {
  badUrl: {
    fault: 'usage',
    message: (d: { url: string; reason: string }) => `The JDBC URL "${d.url}" cannot be used: ${d.reason}.`,
    hint: () => 'Write it as `jdbc:postgresql://host:port/database` or `jdbc:mysql://host:port/database`.',
  },
  badColumn: {
    fault: 'usage',
    message: (d: { at: number; reason: string }) => `Entry ${d.at} of the column list cannot be used: ${d.reason}.`,
    hint: () => 'An entry is a name, or an object with `name`, or an object with `name`, `type` and a constant `value`.',
  },
  badTableName: {
    fault: 'usage',
    message: (d: { name: string }) => `"${d.name}" is no table name.`,
    hint: () => 'Write `table` or `schema.table`; quote a part that contains a dot.',
  },
  everyTable: {
    fault: 'usage',
    message: () => '`*` is no table: targets that follow from change events are not supported.',
    hint: () => 'Name the tables.',
  },
  incomplete: {
    fault: 'usage',
    message: (d: { missing: string }) => `The options do not say ${d.missing}.`,
    hint: (d: { hint: string }) => d.hint,
  },
  contradiction: {
    fault: 'usage',
    message: (d: { reason: string }) => `The options contradict each other: ${d.reason}.`,
    hint: () => 'Keep one of them.',
  },
  columnCount: {
    fault: 'usage',
    message: (d: { dataset: string; table: string; source: number; target: number }) =>
      `${d.dataset} has ${d.source} columns, but the writer names ${d.target} for ${d.table}; they are matched by position.`,
    hint: () =>
      'Name as many columns in the writer as the reader reads, in the same order, or leave the list of the writer out to match by name.',
  },
  columnMissing: {
    fault: 'usage',
    message: (d: { dataset: string; table: string; columns: readonly string[]; known: readonly string[] }) =>
      `${d.table} has no column ${d.columns.map(name => `"${name}"`).join(', ')}, needed for ${d.dataset}. It has: ${d.known.join(', ')}.`,
    hint: () =>
      'Name the target columns in the order of the source columns (`columns` of the writer), or read only columns that the target has.',
  },
  resumeColumnMissing: {
    fault: 'usage',
    message: (d: { table: string; column: string; known: readonly string[] }) =>
      `${d.table} has no column "${d.column}", by which the job wants to resume. It has: ${d.known.join(', ')}.`,
    hint: () => 'Correct `restore.restoreColumnName`, or leave it out: the source then resumes by the key of the table.',
  },
  columnTwice: {
    fault: 'usage',
    message: (d: { table: string; column: string }) => `Column "${d.column}" of ${d.table} would be written twice.`,
    hint: () => 'Remove one of the two entries.',
  },
  statementRefused: {
    fault: 'usage',
    message: (d: { message: string; code: string }) => d.message,
    hint: () => 'Correct the statement, or the rows and triggers that it meets in the database.',
  },
})
