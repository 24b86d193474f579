import { defineErrors } from '#errors'

const SAID: Readonly<Record<string, string>> = {
  reads: 'it waits for us',
  writes: 'we do not take what it sends',
  gone: 'the session is gone',
}

export const wireErrors = defineErrors('wire', {
  unreachable: {
    fault: 'transient',
    message: (d: { place: string; reason: string }) => `Cannot connect to ${d.place}: ${d.reason}.`,
    hint: () => 'Check host and port, and that the server runs and accepts connections from this machine.',
  },
  connectTimeout: {
    fault: 'transient',
    message: (d: { place: string; ms: number }) => `No connection to ${d.place} within ${d.ms} ms.`,
    hint: () => 'Check host, port and firewall, and that a server of this kind answers there, or raise `connectTimeOut`.',
  },
  lost: {
    fault: 'transient',
    message: (d: { place: string; reason: string }) => `The connection to ${d.place} was lost: ${d.reason}.`,
    hint: () => 'The run goes on from the last commit by itself when the server answers again.',
  },
  silent: {
    fault: 'transient',
    message: (d: { place: string; ms: number }) => `Nothing has come from or gone to ${d.place} for ${d.ms} ms while it was due.`,
    hint: () => 'Look for locks or a dead network path; raise `queryTimeOut` when the statement is known to take longer.',
  },
  dead: {
    fault: 'transient',
    message: (d: { place: string; ms: number; activity: string }) =>
      `The connection to ${d.place} is dead: silent for ${d.ms} ms, and the server says that ${SAID[d.activity] ?? d.activity}.`,
    hint: () => 'Look for what swallows bytes on the way (firewall, NAT, proxy). The run goes on from the last commit by itself.',
  },
  tls: {
    fault: 'usage',
    message: (d: { place: string; reason: string }) => `No TLS session with ${d.place}: ${d.reason}.`,
    hint: () =>
      'Name the file with the certificate of its authority (`sslRootCert` for PostgreSQL, `sslCa` for MySQL) and use the host name that its certificate is for. `sslMode: require` (MySQL: `required`) encrypts without checking who answers.',
  },
  plainTextBeforeTls: {
    fault: 'usage',
    message: (d: { place: string }) => `${d.place} sent unencrypted bytes where the TLS handshake was due.`,
    hint: () => 'Something between this machine and the server may be tampering with the connection.',
  },
  closed: {
    fault: 'bug',
    message: (d: { place: string }) => `The connection to ${d.place} has been closed by this process.`,
  },
  truncated: {
    fault: 'transient',
    message: (d: { wanted: number; left: number }) => `A message ended early: ${d.wanted} bytes were due, ${d.left} are left.`,
    hint: () => 'The peer does not speak the protocol as documented. Report its name and version.',
  },
})
