/** A source as it should be passes the suite; source-suite.faults.test.ts shows that faulty ones do not. */
import { sourceFixture } from './reference-source-fixture.test-support.ts'
import { sourceSuite } from './source-suite.ts'

sourceSuite(sourceFixture())
