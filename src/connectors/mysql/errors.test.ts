import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serverError } from './errors.ts'

const error = (errno: number, text: string) => serverError({ errno, state: '', text }, 'db:3306')

test('tells who can help by the number of the error', () => {
  const cases = [
    [1045, 'mysql.access-denied', 'usage'],
    [1044, 'mysql.no-rights', 'usage'],
    [1049, 'mysql.unknown-database', 'usage'],
    [1146, 'mysql.unknown-table', 'usage'],
    [1054, 'mysql.unknown-column', 'usage'],
    [1064, 'mysql.syntax', 'usage'],
    [1040, 'mysql.too-many-connections', 'transient'],
    [1205, 'mysql.lock-wait', 'transient'],
    [1213, 'mysql.deadlock', 'transient'],
    [2013, 'mysql.server-gone', 'transient'],
    [1317, 'mysql.interrupted', 'transient'],
    [1153, 'mysql.packet-too-large', 'usage'],
    [1290, 'mysql.read-only', 'transient'],
    [1062, 'mysql.duplicate-key', 'data'],
    [1048, 'mysql.value-rejected', 'data'],
    [1264, 'mysql.value-rejected', 'data'],
    [1366, 'mysql.value-rejected', 'data'],
    [1406, 'mysql.value-rejected', 'data'],
    [1292, 'mysql.value-rejected', 'data'],
    [9999, 'mysql.refused', 'usage'],
  ] as const
  for (const [errno, code, fault] of cases) assert.deepEqual([error(errno, 'x').code, error(errno, 'x').fault], [code, fault])
})

test('takes what a trigger signals for something about a row, whatever its number and state', () => {
  for (const [errno, state] of [
    [1644, '45000'],
    [1644, '23000'],
    [1644, 'AB123'],
    [1643, '02000'],
    [31001, '45000'],
    [31001, '22003'],
  ] as const)
    assert.equal(serverError({ errno, state, text: 'no' }, 'db:3306').code, 'mysql.value-rejected')
})

test('passes on what the server says without the value that it quotes', () => {
  assert.equal(
    error(1062, "Duplicate entry 'it's secret' for key 't.PRIMARY'").message,
    "db:3306 says: Duplicate entry for key 't.PRIMARY' (error 1062).",
  )
  assert.equal(
    error(1366, "Incorrect string value: '\\xF0\\x9F' for column `d`.`t`.`v` at row 1").message,
    'db:3306 says: Incorrect string value for column `d`.`t`.`v` at row 1 (error 1366).',
  )
  assert.equal(error(1064, 'You have an error.').message, 'db:3306 says: You have an error (error 1064).')
})
