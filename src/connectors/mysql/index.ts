export { mysqlSource } from './source.ts'
