import type { SluiceError } from '#errors'
import type { Dialect } from './dialects.ts'
import { objectNode, type Node, type Warning } from './node.ts'
import type { SourceText } from './source-text.ts'

/** One end of a job as the file has it. */
export interface DraftSide {
  /** The name of the connector as it is written, and where. */
  readonly name: Node
  /** The options, as an object. */
  readonly options: Node
  /** Where both stand, unless in the job file. */
  readonly source?: SourceText
}

/** An object that is both: `{ connector: NAME, …options }`. */
export function connectorSide(name: Node): DraftSide {
  const { parent } = name
  if (parent?.entries === undefined) throw new Error('the name of a connector stands in no object')
  return {
    name,
    options: objectNode(
      parent,
      [...parent.entries].filter(([key]) => key !== name.name),
    ),
  }
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
