/** MariaDB 11.8 of Debian 13. */
import { mariadbRecipe } from './mariadb.ts'

export const mariadb118 = mariadbRecipe('mariadb-11.8', 'trixie', 'usr/share/mariadb')
