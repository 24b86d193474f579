import type { EncodedColumn, Encode } from './encode.ts'
export function compileTextEncoder(_columns: readonly EncodedColumn[], _indexes: readonly number[], _withOrder: boolean): Encode {
  throw new Error('text COPY')
}
