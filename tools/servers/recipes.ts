/** All recipes by name. */
import { mariadb1011 } from './mariadb-10.11.ts'
import { mariadb118 } from './mariadb-11.8.ts'
import { mysql55 } from './mysql-5.5.ts'
import { mysql9 } from './mysql-9.ts'
import type { ServerName } from './names.ts'
import { postgres12 } from './postgres-12.ts'
import { postgres15 } from './postgres-15.ts'
import { postgres18 } from './postgres-18.ts'
import type { Recipe } from './recipe.ts'

export const recipes: Readonly<Record<ServerName, Recipe>> = {
  'postgres-12': postgres12,
  'postgres-15': postgres15,
  'postgres-18': postgres18,
  'mysql-5.5': mysql55,
  'mysql-9': mysql9,
  'mariadb-10.11': mariadb1011,
  'mariadb-11.8': mariadb118,
}
