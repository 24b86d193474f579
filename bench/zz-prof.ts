import { renderTimestamp, renderTime, renderDate } from '/work/main/src/columnar/render-time.ts'
const N = 16384
const out = new Uint8Array(N * 64)
function bench(name: string, f: () => void) {
  let b = 1e9
  for (let r = 0; r < 300; r++) {
    const t = performance.now()
    f()
    b = Math.min(b, performance.now() - t)
  }
  console.log(name, ((b * 1e6) / N).toFixed(1))
}
const days = new Int32Array(N).map((_, i) => 19000 + (i % 3000))
const lo = new Int32Array(N),
  hi = new Int32Array(N)
for (let i = 0; i < N; i++) {
  const v = (i * 5_270_000) % 86_400e6
  lo[i] = v | 0
  hi[i] = Math.floor(v / 2 ** 32)
}
bench('date', () => {
  let p = 0
  for (let i = 0; i < N; i++) p = renderDate(out, p, days[i]!)
})
bench('time', () => {
  let p = 0
  for (let i = 0; i < N; i++) p = renderTime(out, p, lo[i]!, hi[i]!)
})
