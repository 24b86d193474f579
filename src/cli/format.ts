/** Numbers for people. */

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB']

export function formatBytes(bytes: number): string {
  const power = bytes < 1024 ? 0 : Math.min(Math.floor(Math.log2(bytes) / 10), UNITS.length - 1)
  const value = bytes / 1024 ** power
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[power]}`
}

/** With commas; `toLocaleString` would load six MiB of language data for that. */
export const formatCount = (count: number): string => String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, ',')

/** Rows per second: `1.2 M/s`, `340 k/s`. */
export function formatRate(perSecond: number): string {
  if (perSecond >= 999_500) return `${(perSecond / 1e6).toFixed(2)} M/s`
  if (perSecond >= 1000) return `${Math.round(perSecond / 1e3)} k/s`
  return `${Math.round(perSecond)}/s`
}

export function formatSeconds(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(1)} s`
  const whole = Math.round(seconds)
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60]
  return `${hours > 0 ? `${hours} h ` : ''}${minutes} min ${whole % 60} s`
}

export const formatShare = (part: number, whole: number): string => `${whole > 0 ? Math.round((100 * part) / whole) : 0} %`

/** A table with aligned columns; numbers to the right where `right` says so. */
export function formatTable(rows: readonly (readonly string[])[], right: readonly boolean[] = []): string[] {
  const widths = rows.reduce<number[]>((most, row) => row.map((cell, i) => Math.max(most[i] ?? 0, cell.length)), [])
  return rows.map(row =>
    row
      .map((cell, i) => (right[i] ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
      .join('  ')
      .trimEnd(),
  )
}
