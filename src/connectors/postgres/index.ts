export { postgresSink } from './sink.ts'
export { postgresSource } from './source.ts'
