export { defineErrors, registry, SluiceError, type ErrorJson, type ErrorSpec, type Fault } from './error.ts'
