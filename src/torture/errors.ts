import { defineErrors } from '#errors'

export const tortureErrors = defineErrors('torture', {
  driverMissing: {
    fault: 'usage',
    message: (d: { driver: string }) =>
      `The driver ${d.driver} is not installed; rows are judged by other clients than those that moved them.`,
    hint: (d: { driver: string }) => `Install it beside sluice: \`npm install ${d.driver}\`.`,
  },
  badUrl: {
    fault: 'usage',
    message: (d: { flag: string; scheme: string }) => `--${d.flag} is no URL of the form ${d.scheme}://user:password@host:port/.`,
    hint: () => 'Name a server and a user that may create databases; existing databases are not touched.',
  },
  unknownName: {
    fault: 'usage',
    message: (d: { flag: string; name: string; known: string }) => `--${d.flag} names "${d.name}", which is none of ${d.known}.`,
    hint: () => 'Separate several names by commas.',
  },
  noServer: {
    fault: 'usage',
    message: () => 'There is no server to move rows between.',
    hint: () =>
      'Name one or both with --postgres and --mysql, for example `--postgres postgres://user:password@127.0.0.1:5432/`.',
  },
  nothingFits: {
    fault: 'usage',
    message: (d: { reasons: string }) => `None of the faults can happen on any of the pairs: ${d.reasons}.`,
    hint: () =>
      'Choose others with --faults and --pairs; a server is killed only with a command that does it (--postgres-restart).',
  },
  serverNeeded: {
    fault: 'usage',
    message: (d: { pair: string; kind: string }) => `The pair ${d.pair} needs a server of ${d.kind}.`,
    hint: (d: { kind: string }) => `Name one with --${d.kind}, or choose other pairs with --pairs.`,
  },
  unfit: {
    fault: 'usage',
    message: (d: { pair: string; reason: string }) => `${d.pair} does not even work undisturbed: ${d.reason}`,
    hint: () => 'Look at the message of the run and at the log of the server.',
  },
  notContinued: {
    fault: 'usage',
    message: (d: { reason: string }) => `The torture cannot be continued: ${d.reason}.`,
    hint: () => 'Give the same flags and servers as before, or begin another one without --continue.',
  },
  stopped: {
    fault: 'transient',
    message: () => 'Stopped by a signal before the first round.',
    hint: () => 'Run it again with the same --seed.',
  },
})
