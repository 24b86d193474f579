export { mysqlSink } from './sink.ts'
export { mysqlSource } from './source.ts'
