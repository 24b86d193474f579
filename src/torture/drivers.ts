/** The foreign clients. They are optional: only this command needs them. */
import { tortureErrors } from './errors.ts'

export const loadPg = () => load('pg', async () => (await import('pg')).default)
export const loadMysql = () => load('mysql2', async () => (await import('mysql2/promise')).default)

async function load<T>(driver: string, importDriver: () => Promise<T>): Promise<T> {
  try {
    return await importDriver()
  } catch (cause) {
    throw tortureErrors.driverMissing({ driver }, cause)
  }
}
