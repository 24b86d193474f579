/** Sinks as they should be pass the suite; sink-suite.faults.test.ts shows that faulty ones do not. */
import { localFixture, networkFixture } from './reference-sink-fixture.test-support.ts'
import { ledgerSink, plainSink, twoPhaseSink } from './reference-sink.test-support.ts'
import { sinkSuite } from './sink-suite.ts'

sinkSuite(networkFixture(ledgerSink()))
sinkSuite(localFixture(twoPhaseSink()))
sinkSuite(localFixture(plainSink()))
