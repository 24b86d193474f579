import { dateText, type Dataset } from './dataset.ts'
import { randomOf } from './random.ts'

const FIRST_ORDER_DAY = 8035 // 1992-01-01
const LAST_ORDER_DAY = 10_440 // 151 days before 1998-12-31
const CURRENT_DAY = 9298 // 1995-06-17
const INSTRUCTIONS = ['DELIVER IN PERSON', 'COLLECT COD', 'NONE', 'TAKE BACK RETURN']
const MODES = ['REG AIR', 'AIR', 'RAIL', 'SHIP', 'TRUCK', 'MAIL', 'FOB']
const WORDS = (
  'packages requests accounts deposits foxes ideas theodolites instructions dependencies excuses platelets asymptotes courts ' +
  'sleep wake are cajole haggle nag use boost affix detect integrate furiously carefully quickly slyly blithely final ' +
  'special pending regular express bold even ironic silent the about above according across after'
).split(' ')

/**
 * The largest table of TPC-H, with the value rules of the specification (https://www.tpc.org/tpch, section 4.2.3); its
 * scale only decides how many parts and suppliers there are, which are fixed here.
 */
export const lineitem: Dataset = {
  name: 'lineitem',
  rows: 2_000_000,
  key: ['l_orderkey', 'l_linenumber'],
  columns: [
    { name: 'l_orderkey', type: 'bigint' },
    { name: 'l_partkey', type: 'int' },
    { name: 'l_suppkey', type: 'int' },
    { name: 'l_linenumber', type: 'int' },
    { name: 'l_quantity', type: 'decimal(15,2)' },
    { name: 'l_extendedprice', type: 'decimal(15,2)' },
    { name: 'l_discount', type: 'decimal(15,2)' },
    { name: 'l_tax', type: 'decimal(15,2)' },
    { name: 'l_returnflag', type: 'char(1)' },
    { name: 'l_linestatus', type: 'char(1)' },
    { name: 'l_shipdate', type: 'date' },
    { name: 'l_commitdate', type: 'date' },
    { name: 'l_receiptdate', type: 'date' },
    { name: 'l_shipinstruct', type: 'char(25)' },
    { name: 'l_shipmode', type: 'char(10)' },
    { name: 'l_comment', type: 'varchar(44)' },
  ],
  *lines(rows) {
    const random = randomOf(2)
    const days = Array.from({ length: 2800 }, (_, day) => dateText(FIRST_ORDER_DAY + day))
    const date = (day: number) => days[day - FIRST_ORDER_DAY]
    const text = Array.from({ length: 20_000 }, () => random.pick(WORDS)).join(' ')
    const comment = () => {
      const start = random.between(0, text.length - 50)
      return `c${text.slice(start, start + random.between(8, 41))}.`
    }
    for (let order = 0, row = 0; row < rows; order++) {
      // Only the first 8 of every 32 keys are used.
      const orderKey = Math.floor(order / 8) * 32 + (order % 8) + 1
      const orderDay = random.between(FIRST_ORDER_DAY, LAST_ORDER_DAY)
      const items = Math.min(random.between(1, 7), rows - row)
      for (let line = 1; line <= items; line++, row++) {
        const part = random.between(1, 200_000)
        const quantity = random.between(1, 50)
        const cents = quantity * (90_000 + (Math.floor(part / 10) % 20_001) + 100 * (part % 1000))
        const shipped = orderDay + random.between(1, 121)
        const received = shipped + random.between(1, 30)
        const flag = received <= CURRENT_DAY ? random.pick(['R', 'A']) : 'N'
        const status = shipped > CURRENT_DAY ? 'O' : 'F'
        const shares = `${decimal(random.between(0, 10))},${decimal(random.between(0, 8))}`
        const committed = orderDay + random.between(30, 90)
        yield (
          `${orderKey},${part},${random.between(1, 10_000)},${line},${quantity}.00,${decimal(cents)},${shares},${flag},${status},` +
            `${date(shipped)},${date(committed)},${date(received)},${random.pick(INSTRUCTIONS)},${random.pick(MODES)},${comment()}`
        )
      }
    }
  },
}

function decimal(cents: number): string {
  return `${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, '0')}`
}
