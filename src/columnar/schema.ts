import type { Type } from './types.ts'

/** One column of a dataset. */
export interface Field {
  readonly name: string
  readonly type: Type
  readonly nullable: boolean
  /** The type in the words of the system it comes from, e.g. `varchar(20)`. Printed, and reused when a target of the same system is created. */
  readonly native?: { readonly system: string; readonly type: string }
  /** Most characters of a text, or most bytes of a binary, when the source bounds them. */
  readonly length?: number
  /** Digits behind the second that a time or timestamp can have, 0 to 6; absent means 6. */
  readonly fraction?: number
  readonly comment?: string
}

/** The columns of a dataset, in order. */
export interface Schema {
  readonly fields: readonly Field[]
}
