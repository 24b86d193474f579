import { dateText, type Dataset } from './dataset.ts'
import { randomOf } from './random.ts'

const FIRST_DAY = 16_436 // 2015-01-01
const DAYS = 3650
const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 -'
const FOREIGN = [
  'Zoë Müller',
  'Šárka Dvořáková',
  '王小明',
  'Łukasz Żak',
  'Ελένη',
  'Иван Петров',
  'naïve café',
  'さくら',
  'São João',
  '🚚 Straße',
]

/** Five columns of everyday types: 2 % of the names are NULL, 10 % are not ASCII. */
export const narrow: Dataset = {
  name: 'narrow',
  rows: 3_000_000,
  key: ['id'],
  columns: [
    { name: 'id', type: 'bigint' },
    { name: 'k', type: 'int' },
    { name: 'name', type: 'varchar(20)', isNullable: true },
    { name: 'ts', type: 'timestamp' },
    { name: 'amount', type: 'decimal(12,2)' },
  ],
  *lines(rows) {
    const random = randomOf(1)
    const days = Array.from({ length: DAYS }, (_, day) => dateText(FIRST_DAY + day))
    const two = Array.from({ length: 100 }, (_, number) => String(number).padStart(2, '0'))
    const text = Array.from({ length: 4096 }, () => LETTERS[random.between(0, LETTERS.length - 1)]).join('')
    const name = () => {
      const kind = random.between(0, 99)
      if (kind < 2) return ''
      if (kind < 12) return `${random.pick(FOREIGN)} ${random.between(0, 999)}`
      const start = random.between(0, 4000)
      // A blank at either end would be a matter of taste between the systems.
      return `n${text.slice(start, start + random.between(4, 18))}x`
    }
    for (let id = 1; id <= rows; id++) {
      const second = random.between(0, 86_399)
      const time = `${two[Math.floor(second / 3600)]}:${two[Math.floor(second / 60) % 60]}:${two[second % 60]}`
      const cents = random.between(-10_000_000, 999_999_999)
      const sign = cents < 0 ? '-' : ''
      const amount = `${sign}${Math.floor(Math.abs(cents) / 100)}.${two[Math.abs(cents) % 100]}`
      yield `${id},${random.between(-2_147_483_648, 2_147_483_647)},${name()},${random.pick(days)} ${time},${amount}`
    }
  },
}
