/** What a job will do, found out without changing anything. Running does what the plan said (Invariant 7). */
import { createHash } from 'node:crypto'
import { planCast, typeName, type Field } from '#columnar'
import type { Dataset, Note, Reader, ReadPlan, Sink, Source, Writer } from '#connector'
import { engineErrors } from './errors.ts'
import { limitsFor, planMemory, type MemoryPlan } from './memory.ts'
import type { ErrorLimits, JobSpec, Limits, Memo, Route } from './spec.ts'

export interface ColumnPlan {
  readonly source: string
  readonly sourceType: string
  readonly target: string
  readonly targetType: string
  readonly cast: 'same' | 'lossless' | 'checked'
  readonly note?: string
}

export interface DatasetPlan extends Route {
  readonly read: ReadPlan
  readonly columns: readonly ColumnPlan[]
}

export interface Plan {
  readonly job: string
  readonly source: { readonly connector: string; readonly title: string }
  readonly sink: { readonly connector: string; readonly title: string }
  readonly datasets: readonly DatasetPlan[]
  readonly readers: number
  readonly writers: number
  readonly delivery: Writer['delivery']
  readonly guarantee: { readonly delivery: 'exactly-once' | 'at-least-once'; readonly why: string }
  readonly memory: MemoryPlan
  /** Those of the job, as its memory allows. */
  readonly limits: Limits
  /** Undefined: the first bad row stops the run. */
  readonly badRows?: ErrorLimits
  /** Connector of the table into which they are copied. */
  readonly badRowTable?: string
  readonly notes: readonly Note[]
  readonly memo: Memo
}

export async function makePlan(
  spec: JobSpec,
  connectors: { readonly source: Source; readonly sink: Sink },
  reader: Reader,
  writer: Writer,
): Promise<Plan> {
  const { source, sink } = connectors
  const { changelog } = source.capabilities
  if (!sink.capabilities.accepts.includes(changelog))
    throw engineErrors.changelogRefused({ source: source.title, sink: sink.title, changelog })
  const found = await reader.discover()
  if (found.length === 0) throw engineErrors.nothingToRead({})
  const datasets: DatasetPlan[] = []
  for (const dataset of found) {
    const target = await writer.plan(dataset)
    datasets.push({ dataset, target, read: await reader.explain(dataset), columns: planColumns(dataset, target) })
  }
  refuseSharedTargets(datasets)
  const limits = limitsFor(spec, reader, writer)
  return {
    job: spec.id,
    source: { connector: source.name, title: source.title },
    sink: { connector: sink.name, title: sink.title },
    datasets,
    readers: spec.readers,
    writers: spec.writers,
    delivery: writer.delivery,
    guarantee: weakest(datasets),
    memory: planMemory({ ...spec, limits }, reader, writer),
    limits,
    ...(spec.badRows === undefined ? {} : { badRows: spec.badRows }),
    ...(spec.badRowTable === undefined ? {} : { badRowTable: spec.badRowTable.sink.connector }),
    notes: distinct(datasets.flatMap(({ read, target }) => [...read.notes, ...target.notes])),
    memo: memoOf(datasets),
  }
}

/** What holds for a whole connection is said of each of its tables. */
const distinct = (notes: readonly Note[]) => [...new Map(notes.map(note => [note.text, note])).values()]

function planColumns(dataset: Dataset, target: Route['target']): ColumnPlan[] {
  return dataset.schema.fields.map((field, index) => {
    const wanted = target.schema.fields[index]
    if (wanted === undefined) throw new Error(`${target.name} has no place for column ${field.name}`)
    const names = { source: field.name, target: wanted.name, sourceType: shown(field), targetType: shown(wanted) }
    const cast = planCast(field.type, wanted.type)
    if (cast === undefined) {
      const [from, to] = [names.sourceType, names.targetType]
      throw engineErrors.castImpossible({ dataset: dataset.id, target: target.name, column: field.name, from, to })
    }
    return { ...names, cast: cast.kind, ...(cast.note === undefined ? {} : { note: cast.note }) }
  })
}

const shown = ({ native, type }: Field) => native?.type ?? typeName(type)

function refuseSharedTargets(datasets: readonly DatasetPlan[]): void {
  const byTarget = Map.groupBy(datasets, ({ target }) => target.name)
  for (const [target, sharing] of byTarget) {
    if (sharing.length > 1)
      throw engineErrors.sameTarget({ target, datasets: sharing.map(({ dataset }) => dataset.id).join(', ') })
  }
}

function weakest(datasets: readonly DatasetPlan[]): Plan['guarantee'] {
  const guarantees = datasets.map(({ target }) => target.guarantee)
  const weak = guarantees.find(({ delivery }) => delivery === 'at-least-once') ?? guarantees[0]
  return weak ?? { delivery: 'at-least-once', why: 'There is nothing to write.' }
}

/** What must not change while a run is unfinished: which rows and columns of what go where, and as what. */
function memoOf(datasets: readonly DatasetPlan[]): Memo {
  const facts = datasets.map(({ dataset, target, columns }) => ({
    dataset: dataset.id,
    restriction: dataset.restriction,
    target: target.name,
    columns: columns.map(({ source, target: to, sourceType, targetType }) => [source, sourceType, to, targetType]),
  }))
  return {
    digest: createHash('sha256').update(JSON.stringify(facts)).digest('hex').slice(0, 32),
    routes: facts.map(({ dataset, target }) => ({ dataset, target })),
  }
}
