/** Certificates for the test servers and their clients, made once on each machine with openssl. */
import { chmod, copyFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buildOnce, cacheSubfolder } from './cache.ts'
import type { Certificate } from './recipe.ts'
import { giveAway, run } from './run.ts'

const DAYS = '3650'
const RSA = 'rsa:2048'

/** Path of the certificate authority's certificate, which clients have to trust. */
export async function certificateAuthority(): Promise<string> {
  return join(await certificates(), 'ca.pem')
}

/** Copies certificate and key into a folder where the server may read them: PostgreSQL insists on owning its key. */
export async function placeCertificate(folder: string): Promise<Certificate> {
  await mkdir(folder, { mode: 0o755 })
  const from = await certificates()
  const [ca, cert, key] = ['ca.pem', 'server.pem', 'server.key'] as const
  for (const name of [ca, cert, key]) {
    await copyFile(join(from, name), join(folder, name))
    await giveAway(join(folder, name))
    await chmod(join(folder, name), 0o600)
  }
  return { ca: join(folder, ca), cert: join(folder, cert), key: join(folder, key) }
}

/** Files of a certificate that servers accept from a client named {@link CLIENT}, in PEM. */
export async function clientCertificate(): Promise<Omit<Certificate, 'ca'>> {
  const folder = await certificates()
  return { cert: join(folder, 'client.pem'), key: join(folder, 'client.key') }
}

/** Whom the client certificate is for. */
export const CLIENT = 'certified'

async function certificates(): Promise<string> {
  return await buildOnce(join(await cacheSubfolder('tls'), 'server-and-client'), async folder => {
    const file = (name: string) => join(folder, name)
    const subject = (name: string) => ['-subj', `/CN=${name}`, '-nodes', '-newkey', RSA]
    const authority = ['-x509', '-days', DAYS, '-keyout', file('ca.key'), '-out', file('ca.pem')]
    await run(['openssl', 'req', ...subject('Sluice test authority'), ...authority])
    const issue = async (name: string, to: string, extensions: string) => {
      await writeFile(file('extensions'), extensions)
      await run(['openssl', 'req', ...subject(to), '-keyout', file(`${name}.key`), '-out', file('request')])
      const issuer = ['-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-CAcreateserial', '-extfile', file('extensions')]
      await run(['openssl', 'x509', '-req', '-in', file('request'), '-days', DAYS, ...issuer, '-out', file(`${name}.pem`)])
    }
    // 0.0.0.0 reaches a server on this machine by an address that does not look like one of this machine.
    await issue('server', 'localhost', 'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:0.0.0.0\nextendedKeyUsage=serverAuth\n')
    await issue('client', CLIENT, 'extendedKeyUsage=clientAuth\n')
  })
}
