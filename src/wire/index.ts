export { ByteReader } from './byte-reader.ts'
export { ByteStream, HIGH_WATER_BYTES, type ConnectOptions, type Endpoint, type WaitMeter } from './byte-stream.ts'
export { wireErrors } from './errors.ts'
export { SEND_BUFFERS, SEND_BYTES, SendPool } from './send-pool.ts'
