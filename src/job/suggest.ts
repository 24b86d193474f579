/** The known names that a user may have meant, best first, at most two. */
export function suggest(name: string, known: Iterable<string>): string[] {
  const wanted = name.toLowerCase().slice(0, 64)
  const worst = Math.max(1, Math.floor(wanted.length / 3))
  const near: { candidate: string; distance: number }[] = []
  for (const candidate of known) {
    const other = candidate.toLowerCase().slice(0, 64)
    const isPart = Math.min(wanted.length, other.length) >= 4 && (other.startsWith(wanted) || wanted.startsWith(other))
    const distance = isPart && wanted !== other ? 1 : editDistance(wanted, other)
    if (distance <= worst) near.push({ candidate, distance })
  }
  near.sort((a, b) => a.distance - b.distance || (a.candidate < b.candidate ? -1 : 1))
  const best = near[0]?.distance ?? 0
  return near
    .filter(({ distance }) => distance <= best + (best === 0 ? 0 : 1))
    .slice(0, 2)
    .map(({ candidate }) => candidate)
}

/** Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`. */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const replace = last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      row[j] = Math.min(replace, last[j]! + 1, row[j - 1]! + 1)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) row[j] = Math.min(row[j]!, beforeLast[j - 2]! + 1)
    }
    beforeLast = last
    last = row
  }
  return last[b.length]!
}
