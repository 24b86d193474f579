/** What is compiled once per target of a writer. */
import { dataErrors, type Target } from '#connector'
import { BINARY, type CopyFormat, TEXT } from './copy-in.ts'
import { compileTextEncoder } from './encode-text.ts'
import { compileEncoder, type Encode, type EncodeState } from './encode.ts'
import { detailOf, encodedColumns, type TargetDetail } from './target-detail.ts'

export interface PreparedTarget {
  /** Of the target. */
  readonly name: string
  readonly detail: TargetDetail
  readonly format: CopyFormat
  readonly encode: Encode
  readonly state: EncodeState
  /** Names the column, and the row by its index in the batch. */
  readonly refuse: Parameters<Encode>[5]
}

export class PreparedTargets {
  readonly #prepared = new Map<string, PreparedTarget>()

  get(target: Target): PreparedTarget {
    const known = this.#prepared.get(target.dataset)
    if (known) return known
    const prepared = prepare(target)
    this.#prepared.set(target.dataset, prepared)
    return prepared
  }
}

function prepare(target: Target): PreparedTarget {
  const detail = detailOf(target)
  const indexes = detail.columns.map(({ index }) => index)
  const compile = detail.isBinary ? compileEncoder : compileTextEncoder
  return {
    name: target.name,
    detail,
    format: detail.isBinary ? BINARY : TEXT,
    encode: compile(encodedColumns(target), indexes, detail.key !== null),
    state: { row: 0, at: 0, need: 0, order: 0 },
    refuse: (reason, column, row) => {
      throw dataErrors.valueRefused({ dataset: target.dataset, column: detail.columns[column]?.name ?? '', reason, row })
    },
  }
}
