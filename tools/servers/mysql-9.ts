/** MySQL 9 of Debian's development release, where its minor version moves: tests must not depend on it. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { debFolder, debOrigin } from './deb.ts'
import { account, mysqlRecipe } from './mysql.ts'
import { DATABASE, PASSWORD } from './recipe.ts'
import { environment, run, unprivileged } from './run.ts'

const packages = ['mysql-server-core', 'mysql-client-core']

const sql = [
  `ALTER USER root@localhost IDENTIFIED BY '${PASSWORD}';`,
  ...['root', 'app', 'sha2_user'].map(user => `CREATE USER ${user}@'%' IDENTIFIED BY '${PASSWORD}';`),
  "GRANT ALL ON *.* TO root@'%' WITH GRANT OPTION;",
  `CREATE DATABASE ${DATABASE};`,
].join('\n')

export const mysql9 = mysqlRecipe({
  name: 'mysql-9',
  origin: debOrigin('sid', packages),
  accounts: [
    account('root', 'caching_sha2_password'),
    account('app', 'caching_sha2_password'),
    account('sha2_user', 'caching_sha2_password'),
  ],
  hasTls: true,
  server: 'usr/sbin/mysqld',
  bin: 'usr/bin',
  options: software => [
    `--basedir=${join(software, 'usr')}`,
    `--plugin-dir=${join(software, 'usr/lib/mysql/plugin')}`,
    `--lc-messages-dir=${join(software, 'usr/share/mysql')}`,
    `--character-sets-dir=${join(software, 'usr/share/mysql/charsets')}`,
    '--character-set-server=utf8mb4',
    '--innodb-redo-log-capacity=64M',
    '--secure-file-priv=',
    '--mysqlx=OFF',
    // Half of the server's memory and a third of its start.
    '--performance-schema=OFF',
  ],
  noTlsOptions: ['--tls-version='],
  startOptions: ['--binlog-row-metadata=FULL'],
  sql,
  install: folder => debFolder('sid', folder, packages),
  prepare: async (base, data) => {
    const file = `${data}.sql`
    await writeFile(file, sql)
    await run(unprivileged([...base, '--initialize-insecure', `--init-file=${file}`]), { env: environment })
  },
})
