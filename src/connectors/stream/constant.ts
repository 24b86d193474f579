import { Batch, Caster, Column, planCast, readValue, utf8, writeValue, type Type, type Value } from '#columnar'

export type Constant = { readonly value: Value } | { readonly refused: string }

/** The value that a text means in a type, by the rules of casts from text; bytes are those of the text in UTF-8. */
export function constantValue(type: Type, text: string): Constant {
  if (text.toLowerCase() === 'null') return { value: null }
  if (type.kind === 'binary') return { value: new TextEncoder().encode(text) }
  if (planCast(utf8, type) === undefined) return { refused: 'constants of this type are not possible' }
  const column = new Column(utf8, 1)
  writeValue(column, 0, text)
  const from = new Batch({ fields: [{ name: 'value', type: utf8, nullable: false }] }, 1, [column])
  from.rows = 1
  const cast = new Caster(from.schema, { fields: [{ name: 'value', type, nullable: false }] }).cast(from)
  return 'refused' in cast ? { refused: cast.refused.reason } : { value: readValue(cast.batch.columns[0]!, 0) }
}

/** Writes one value to all rows of a column, once; they are never overwritten. */
export function fillConstant(column: Column, value: Value): void {
  for (let row = 0; row < column.capacity; row++) writeValue(column, row, value)
}
