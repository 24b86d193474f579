/** Errors of the test servers. */
import { defineErrors } from '#errors'

export const errors = defineErrors('servers', {
  unknownServer: {
    fault: 'usage',
    message: ({ name }: { name: string; known: string }) => `There is no test server called "${name}".`,
    hint: ({ known }: { name: string; known: string }) => `Choose one of ${known}.`,
  },
  wrongPlatform: {
    fault: 'usage',
    message: ({ platform }: { platform: string }) => `Test servers run on Linux, this is ${platform}.`,
    hint: () => 'Use a Linux machine or container.',
  },
  notInstallable: {
    fault: 'usage',
    message: ({ name, reason }: { name: string; reason: string }) =>
      `Test server ${name} could not be installed here: ${reason}.`,
    hint: () => 'Give the machine what the message names, then run "npm run servers -- install NAME".',
  },
  missingProgram: {
    fault: 'usage',
    message: ({ program }: { program: string; packages: string }) => `The program ${program} is not on this machine.`,
    hint: ({ packages }: { program: string; packages: string }) => `Install it, on Debian with "apt-get install ${packages}".`,
  },
  commandFailed: {
    fault: 'usage',
    message: ({ command, output }: { command: string; output: string }) => `${command} failed: ${output}`,
  },
  portTaken: {
    fault: 'usage',
    message: ({ name, port }: { name: string; port: number }) =>
      `Test server ${name} cannot use port ${port}: another process listens on it.`,
    hint: () => 'Leave the port out to get a free one, or stop the other process.',
  },
  startFailed: {
    fault: 'transient',
    message: ({ name, reason, log }: { name: string; reason: string; log: string }) =>
      `Test server ${name} did not start: ${reason}. The end of its log:\n${log}`,
  },
  notOwn: {
    fault: 'usage',
    message: ({ name, action }: { name: string; action: string }) =>
      `Test server ${name} is shared with other tests, so it cannot be ${action}.`,
    hint: () => 'Start one of your own with { own: true }.',
  },
  noTls: {
    fault: 'usage',
    message: ({ name }: { name: string }) => `Test server ${name} speaks no TLS version that is still supported.`,
    hint: () => 'Start it without tls.',
  },
  badOption: {
    fault: 'usage',
    message: ({ option, value, expected }: { option: string; value: string; expected: string }) =>
      `--${option} is "${value}", but has to be ${expected}.`,
  },
  notRunning: {
    fault: 'usage',
    message: ({ name }: { name: string }) => `No test server called "${name}" was started with "npm run servers".`,
    hint: () => 'See "npm run servers -- status".',
  },
})
