/** What the MariaDB servers of every version have in common. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { debFolder, debOrigin } from './deb.ts'
import { account, mysqlRecipe } from './mysql.ts'
import type { ServerName } from './names.ts'
import { DATABASE, PASSWORD, type Recipe } from './recipe.ts'
import { environment, run, unprivileged } from './run.ts'

const users = ['root', 'app', 'native_user']
const packages = ['mariadb-server', 'mariadb-client']

const sql = [
  'FLUSH PRIVILEGES;',
  // The system tables come with an anonymous user, who would win over a named one, and roots without password.
  "DELETE FROM mysql.global_priv WHERE User IN ('', 'root');",
  'FLUSH PRIVILEGES;',
  ...users.map(user => `CREATE USER ${user}@'%' IDENTIFIED BY '${PASSWORD}';`),
  `CREATE USER ed25519_user@'%' IDENTIFIED VIA ed25519 USING PASSWORD('${PASSWORD}');`,
  "GRANT ALL ON *.* TO root@'%' WITH GRANT OPTION;",
  `CREATE DATABASE ${DATABASE};`,
].join('\n')

/** @param share Folder of the server's scripts and messages below the installed folder. */
export function mariadbRecipe(name: ServerName, suite: string, share: string): Recipe {
  return mysqlRecipe({
    name,
    origin: debOrigin(suite, packages),
    accounts: [...users.map(user => account(user, 'mysql_native_password')), account('ed25519_user', 'client_ed25519')],
    hasTls: true,
    server: 'usr/sbin/mariadbd',
    bin: 'usr/bin',
    options: software => [
      `--basedir=${join(software, 'usr')}`,
      `--plugin-dir=${join(software, 'usr/lib/mysql/plugin')}`,
      `--lc-messages-dir=${join(software, share)}`,
      `--character-sets-dir=${join(software, share, 'charsets')}`,
      '--character-set-server=utf8mb4',
      '--plugin-load-add=auth_ed25519',
      '--innodb-log-file-size=64M',
      '--innodb-undo-tablespaces=0',
    ],
    noTlsOptions: ['--skip-ssl'],
    startOptions: ['--binlog-format=ROW', '--binlog-row-metadata=FULL', '--gtid-strict-mode=1'],
    sql,
    install: folder => debFolder(suite, folder, packages),
    prepare: async (base, _data, software) => {
      const input = `${await systemTables(join(software, share))}\n${sql}\n`
      await run(unprivileged([...base, '--bootstrap', '--skip-innodb-doublewrite']), { env: environment, input })
    },
  })
}

/** The scripts that mariadb-install-db feeds to the server, in its order. Their prefix changed from mysql_ to mariadb_. */
async function systemTables(share: string): Promise<string> {
  const files = await readdir(share)
  const scripts = ['system_tables', 'performance_tables', 'system_tables_data', 'gis_sp_bootstrap', 'sys_schema'].map(
    stem => files.find(file => file.endsWith(`_${stem}.sql`)) ?? stem,
  )
  const texts = await Promise.all(scripts.map(script => readFile(join(share, script), 'utf8')))
  return ['CREATE DATABASE mysql;', 'USE mysql;', 'SET @auth_root_socket = NULL;', ...texts].join('\n')
}
