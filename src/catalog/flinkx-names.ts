/**
 * What the names of FlinkX and ChunJun plugins are here.
 *
 * Inventory: compatibility specification §2.1; aliases of the original engines: §1.1.
 */

/** Plugins that speak to a system with the same protocol under another name. PolarDB and TiDB are used through MySQL's driver there, too. */
const SAME_SYSTEM: Readonly<Record<string, string>> = {
  postgresql: 'postgres',
  adbpostgresql: 'postgres',
  tidb: 'mysql',
  polardb: 'mysql',
  mariadb: 'mysql',
}

/** Plugins of FlinkX whose systems nothing here can reach yet. */
const NOT_YET = new Set(
  [
    'alluxio arctic binlog carbondata cassandra clickhouse db2 dm doris dorisbatch elasticsearch5 elasticsearch6 elasticsearch7 emqx es',
    'ftp gbase gbase8s gbasehk greenplum hbase hbase14 hbase2 hdfs hive hive3 http hudi iceberg inceptor influxdb kafka kafka09 kafka10',
    'kafka11 kingbase kudu mongodb mongodboplog mysqlcdc mysqld nebula oceanbase oceanbasecdc odps opengauss oracle oraclelogminer oss',
    'pgwal phoenix phoenix5 polardbd pulsar rabbitmq redis restapi rocketmq s3 saphana selectdbcloud socket solr sqlserver sqlservercdc',
    'starrocks sybase teradata vertica11',
  ].flatMap(line => line.split(' ')),
)

export interface PluginName {
  /** Without suffix, in lower case: `mysql` of `MysqlReader`, and of `mysql` itself. */
  readonly stem: string
  /** What the stem is called here; the stem itself where it has no other name. */
  readonly name: string
  /** The side that the suffix names. */
  readonly side: 'source' | 'sink' | undefined
}

export function parsePluginName(written: string): PluginName {
  const lower = written.trim().toLowerCase()
  const suffix = /(?:reader|source|writer|sink)$/.exec(lower)?.[0] ?? ''
  const stem = suffix === lower ? lower : lower.slice(0, lower.length - suffix.length)
  const side = suffix === '' ? undefined : suffix === 'reader' || suffix === 'source' ? 'source' : 'sink'
  return { stem, name: Object.hasOwn(SAME_SYSTEM, stem) ? SAME_SYSTEM[stem]! : stem, side }
}

/** Whether FlinkX has such a plugin and nothing here can do its work yet. */
export const isNotYet = (stem: string): boolean => NOT_YET.has(stem)

/** Names of FlinkX plugins, without their endings, that mean a connector of ours. */
export const aliasesOf = (name: string): string[] => Object.keys(SAME_SYSTEM).filter(alias => SAME_SYSTEM[alias] === name)
