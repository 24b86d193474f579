import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import fc from 'fast-check'
import { encodeFrame, FrameParser, streamEndpoint } from './frames.ts'

// By hand, from the layout in decision 0004: length 13, type 1, flags 0, channel 0, sequence 2.
const FRAME = Buffer.from(
  '0d000000 01 00 0000 0200000000000000'.replaceAll(' ', '') + Buffer.from('{"kind":"ok"}').toString('hex'),
  'hex',
)

test('writes the header as documented', () => {
  assert.deepEqual(encodeFrame({ kind: 'ok' }, 2n), FRAME)
})

test('keeps 64-bit ids exact', () => {
  const id = 2n ** 64n - 1n
  assert.deepEqual(new FrameParser().push(encodeFrame({ kind: 'resume', id }, 0n)), [{ kind: 'resume', id }])
})

test('takes any slicing of the stream', () => {
  const frames = Buffer.concat([encodeFrame({ a: 1 }, 0n), encodeFrame({ b: 'ä' }, 1n), encodeFrame([], 2n)])
  const cuts = fc.array(fc.integer({ min: 0, max: frames.length }), { maxLength: 12 })
  fc.assert(
    fc.property(cuts, places => {
      const parser = new FrameParser()
      const ends = [...places, frames.length].sort((a, b) => a - b)
      const messages = ends.flatMap((end, i) => parser.push(frames.subarray(ends[i - 1] ?? 0, end)))
      assert.deepEqual(messages, [{ a: 1 }, { b: 'ä' }, []])
    }),
  )
})

for (const [what, bytes] of [
  ['a line of text', Buffer.from('Debugger attached. Waiting for it.\n')],
  ['a frame out of order', encodeFrame({}, 5n)],
  ['a frame that claims gigabytes', Buffer.concat([Buffer.from('ffffff7f', 'hex'), FRAME.subarray(4)])],
] as const) {
  test(`refuses ${what}`, () => {
    assert.throws(() => new FrameParser().push(bytes), { code: 'engine.bad-frame' })
  })
}

test('an endpoint whose peer writes nonsense ends with that error', async () => {
  const [input, output] = [new PassThrough(), new PassThrough()]
  const endpoint = streamEndpoint(input, output)
  const ended = new Promise(resolve => endpoint.onEnd(resolve))
  endpoint.onMessage(() => assert.fail('no message was sent'))
  input.write('this is not a frame of ours')
  assert.equal(((await ended) as { code?: string }).code, 'engine.bad-frame')
})
