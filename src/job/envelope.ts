import type { SluiceError } from '#errors'
import type { Dialect } from './dialects.ts'
import type { Node, Warning } from './node.ts'

/** One end of a job as the file has it. */
export interface DraftSide {
  /** The name of the connector as it is written, and where. */
  readonly name: Node
  /** The options, as an object. */
  readonly options: Node
}

/** What an envelope holds, before anything in it is checked against connectors. */
export interface Draft {
  readonly dialect: Dialect
  readonly name?: Node | undefined
  readonly source: DraftSide | undefined
  readonly sink: DraftSide | undefined
  /** The settings in the structure of `settingsSchema`, FlinkX spellings included; undefined when there are none. */
  readonly settings: Node | undefined
  readonly problems: SluiceError[]
  readonly warnings: Warning[]
}
