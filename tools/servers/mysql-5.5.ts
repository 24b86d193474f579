/** MySQL 5.5.9, the oldest version we support, from a jar that MySQL once published for embedding. */
import { chmod, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fetchJar, unpack } from './maven.ts'
import { account, mysqlRecipe } from './mysql.ts'
import { DATABASE, PASSWORD } from './recipe.ts'
import { environment, giveAway, run, unprivileged } from './run.ts'

const artifact = 'mysql:mysql-connector-mxj-db-files:5.0.12'
const users = ['root', 'app', 'native_user']

const sql = [
  'FLUSH PRIVILEGES;',
  'DELETE FROM mysql.user;',
  'DELETE FROM mysql.db;',
  'FLUSH PRIVILEGES;',
  ...users.map(user => `INSERT INTO mysql.user (Host, User, Password) VALUES ('%', '${user}', PASSWORD('${PASSWORD}'));`),
  'FLUSH PRIVILEGES;',
  "GRANT ALL ON *.* TO root@'%' WITH GRANT OPTION;",
  `CREATE DATABASE ${DATABASE};`,
].join('\n')

export const mysql55 = mysqlRecipe({
  name: 'mysql-5.5',
  origin: artifact,
  accounts: users.map(user => account(user, 'mysql_native_password')),
  // Its library ends at TLS 1.0, which today's clients refuse.
  hasTls: false,
  server: 'bin/mysqld',
  bin: 'bin',
  options: software => [
    `--basedir=${software}`,
    `--lc-messages-dir=${join(software, 'share')}`,
    '--character-set-server=utf8mb4',
    '--default-storage-engine=InnoDB',
    // Kernels of today no longer have what its asynchronous I/O expects.
    '--innodb-use-native-aio=0',
  ],
  startOptions: ['--binlog-format=ROW'],
  noTlsOptions: [],
  sql,
  install: async folder => {
    await fetchJar(artifact, async jar => {
      await unpack(jar, join(folder, 'bin'), entry => entry === '5-5-9/Linux-x86_64/mysqld')
      await chmod(join(folder, 'bin/mysqld'), 0o755)
      await unpack(jar, folder, entry => entry === '5-5-9/data_dir.jar' || entry === '5-5-9/share_dir.jar')
    })
    await run(['unzip', '-q', join(folder, 'share_dir.jar'), '-d', folder])
  },
  prepare: async (base, data, software) => {
    await mkdir(data, { recursive: true })
    await run(unprivileged(['unzip', '-q', join(software, 'data_dir.jar'), '-d', data]), { env: environment })
    await giveAway(data)
    await run(unprivileged([...base, '--bootstrap']), { env: environment, input: `${sql}\n` })
  },
})
