/** The connection of one end breaks, or grows slow, in front of a server that is well. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { FaultProxy, Fault as NetworkFault } from '#conformance'
import { isDatabase } from './pairs.ts'
import { RECOVERY_SECONDS, recovered, type Effect, type Fault, type Round } from './round.ts'
import type { Run } from './run.ts'

/** Longest fault that slows a network or takes it away and brings it back. */
const NETWORK_MS = 3_000
const FLAP_MS = 300

type Break = Extract<NetworkFault, { readonly afterBytes: number }>['kind']
type Slowness = Exclude<NetworkFault['kind'], Break>

export function networkFaults(end: 'source' | 'sink', direction: 'to-client' | 'to-server'): Fault[] {
  type Act = (round: Round, proxy: FaultProxy) => Promise<Effect>
  const make = (name: string, title: string, act: Act, needs: Pick<Fault, 'needs'> = { needs: 'time' }): Fault => ({
    name: `${end}-${name}`,
    title: `connection of the ${end}: ${title}`,
    ...needs,
    recoversWithinSeconds: RECOVERY_SECONDS,
    obstacle: pair => (isDatabase(pair[end]) ? undefined : 'files have no connection'),
    act: round => {
      const proxy = round.field.proxies[end]
      if (proxy === undefined) throw new Error(`${end} has no connection`)
      return act(round, proxy).finally(() => proxy.set())
    },
  })
  /** A byte that comes while rows move. */
  const somewhere = ({ random, field }: Round) => Math.floor(random() * 0.8 * field.bytes[end])
  const breaking = (kind: Break) => (round: Round, proxy: FaultProxy) =>
    breakOnce(round, proxy, { kind, direction, afterBytes: somewhere(round) })
  const slowing =
    (kind: Slowness, ...faults: readonly NetworkFault[]) =>
    async (round: Round, proxy: FaultProxy): Promise<Effect> => {
      const before = proxy.fired[kind]
      const run = await passing(round, proxy)
      proxy.set(...faults)
      await Promise.race([sleep(NETWORK_MS), run.ended])
      proxy.set()
      return { fired: proxy.fired[kind] > before, ...(await recovered(run)) }
    }
  /** A run of which that byte has passed. */
  const passing = async (round: Round, proxy: FaultProxy): Promise<Run> => {
    const run = round.start()
    await run.reach('begun')
    const byte = proxy.forwarded[direction] + somewhere(round)
    await run.until(() => proxy.forwarded[direction] >= byte)
    return run
  }
  const flap = async (round: Round, proxy: FaultProxy): Promise<Effect> => {
    const run = await passing(round, proxy)
    for (const until = Date.now() + NETWORK_MS; Date.now() < until && !run.isOver;) {
      await proxy.refuse()
      await sleep(round.random() * FLAP_MS)
      await proxy.accept()
      await sleep(round.random() * FLAP_MS)
    }
    const recovery = await recovered(run)
    return { fired: run.restartCodes.length > 0, ...recovery }
  }
  return [
    make('cut', 'ended', breaking('cut'), {}),
    make('reset', 'reset in mid row', breaking('reset'), {}),
    make('half-open', 'swallows every byte from one on and tells nobody', breaking('half-open')),
    make('trickle', '100 bytes at a time', slowing('trickle', { kind: 'trickle', direction, bytes: 100, everyMs: 1 })),
    make(
      'latency',
      '400 ms round trip',
      slowing('delay', { kind: 'delay', direction: 'to-client', ms: 200 }, { kind: 'delay', direction: 'to-server', ms: 200 }),
    ),
    make('flap', 'refused and accepted in turn', flap),
  ]
}

async function breakOnce(round: Round, proxy: FaultProxy, fault: NetworkFault): Promise<Effect> {
  const before = proxy.fired[fault.kind]
  const run = round.start()
  await run.reach('begun')
  proxy.set(fault)
  await run.until(() => proxy.fired[fault.kind] > before)
  return { fired: proxy.fired[fault.kind] > before, ...(await recovered(run)) }
}
