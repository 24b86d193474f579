import type { SluiceError } from '#errors'
import type { Dialect } from './dialects.ts'
import { errors } from './errors.ts'
import { connectorSide, type DraftSide } from './envelope.ts'
import { meansNothing, pathOf, Places, whereOf, type Node, type Warning } from './node.ts'
import { checkOptions, type CheckedOptions } from './options.ts'
import { settingsSchema, type Settings } from './settings.ts'
import type { SourceText } from './source-text.ts'
import { SETTING_SUPPORT, type SettingSupport } from './support.ts'

export interface CheckedSettings {
  /** Undefined when there are problems. */
  readonly settings: Settings | undefined
  /** The end of a job that `dirty.table` is. */
  readonly dirtyTable?: DraftSide
  readonly problems: readonly SluiceError[]
  readonly warnings: readonly Warning[]
}

/** Checks the settings of a file; without any, they are the defaults. */
export function checkSettings(
  node: Node | undefined,
  source: SourceText,
  dialect: Dialect,
  support: readonly SettingSupport[] = SETTING_SUPPORT,
): CheckedSettings {
  if (node === undefined) return { settings: settingsSchema.parse({}), problems: [], warnings: [] }
  const places = new Places(node, source)
  // The caller has seen that the node is an object.
  const checked = checkOptions(settingsSchema, node.value as never, places, {
    owner: 'settings',
    dialect,
    noun: 'setting',
    alsoKnown: ['speed'],
  })
  if (checked.options === undefined) return { settings: undefined, problems: checked.problems, warnings: checked.warnings }
  const { settings, warnings: ofDialect } = applyDialect(checked.options, dialect, places)
  const { problems, warnings } = applySupport(settings, checked, places, support)
  const connector = checked.written(['dirty', 'table', 'connector'])
  return {
    settings,
    ...(connector === undefined ? {} : { dirtyTable: connectorSide(places.find(connector)) }),
    problems,
    warnings: [...checked.warnings, ...ofDialect, ...warnings],
  }
}

/** What the original engine makes of `isStream`: 1.10 heeds it only together with `isRestore`; ChunJun lets it imply that. */
function applyDialect(settings: Settings, dialect: Dialect, places: Places): { settings: Settings; warnings: Warning[] } {
  const { restore } = settings
  if (!restore.isStream) return { settings, warnings: [] }
  if (dialect !== 'flinkx-1.10') return { settings: { ...settings, restore: { ...restore, isRestore: true } }, warnings: [] }
  if (restore.isRestore) return { settings, warnings: [] }
  const node = places.find(['restore', 'isStream'])
  const message = `${pathOf(node)} has no effect without isRestore, as in FlinkX 1.10.`
  const warning = { code: 'job.noted-setting', message, place: places.source.place(node.keyStart) }
  return { settings: { ...settings, restore: { ...restore, isStream: false } }, warnings: [warning] }
}

function applySupport(
  settings: Settings,
  checked: CheckedOptions<Settings>,
  places: Places,
  support: readonly SettingSupport[],
): { problems: SluiceError[]; warnings: Warning[] } {
  const problems: SluiceError[] = []
  const warnings: Warning[] = []
  for (const { name, status, why = '', isAsked = () => true } of support) {
    if (status === 'supported') continue
    const path = checked.written(name.split('.'))
    const node = path && places.find(path)
    if (node === undefined || meansNothing(node.value) || !isAsked(settings)) continue
    const where = whereOf(places.source, node, 'key')
    if (status === 'refused') problems.push(errors.unsupportedSetting({ ...where, reason: why }))
    else
      warnings.push({
        code: 'job.noted-setting',
        message: `${where.path} has no effect. ${why}`,
        place: places.source.place(node.keyStart),
      })
  }
  return { problems, warnings }
}
