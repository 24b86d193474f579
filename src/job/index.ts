export { parseCompat, type Dialect, type FlinkxDialect } from './dialects.ts'
export { JobProblems, problemsOf } from './errors.ts'
export { jobIdentity } from './identity.ts'
export { checkJob, parseJob, type Catalog, type CheckedJob, type Job, type Kind, type ParseOptions, type Side } from './job.ts'
export { parseJson } from './json.ts'
export {
  loadJob,
  ownerOf,
  readJob,
  resolveJob,
  type Declaration,
  type DeclaringCatalog,
  type LoadedJob,
  type LoadOptions,
} from './load.ts'
export { LIMITS, Places, type Document, type JobObject, type JobValue, type Limits, type Node, type Warning } from './node.ts'
export { checkOptions, resolveOptions, type CheckedOptions, type OptionsOwner } from './options.ts'
export { parseParameters, type Parameters } from './parameters.ts'
export type { ReferenceSources } from './references.ts'
export { isSecretName, maskSecrets, redact, redactError, redactJson, secretsOf } from './secrets.ts'
export { parseBytes, settingsSchema, type Settings } from './settings.ts'
export { metaOf, type OptionMeta } from './shape.ts'
export { renderPlace, type Place } from './source-text.ts'
export { suggest } from './suggest.ts'
export { localFolder, SETTING_SUPPORT, type SettingSupport, type Support } from './support.ts'
