export { Collector } from './collect.ts'
export { streamSink } from './sink.ts'
export { streamSource } from './source.ts'
