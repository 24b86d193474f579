/** MariaDB 10.11 of Debian 12. */
import { mariadbRecipe } from './mariadb.ts'

export const mariadb1011 = mariadbRecipe('mariadb-10.11', 'bookworm', 'usr/share/mysql')
