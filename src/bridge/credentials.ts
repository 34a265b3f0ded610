// What a client needs to reach the bridge over TLS: a CA of our own, a server certificate of it, a bearer token, all in a kubeconfig
// that only its owner may read.

import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { generate } from 'selfsigned';

export interface Credentials {
  readonly key: string;
  readonly cert: string;
  readonly ca: string;
  readonly token: string;
}

const VALID_DAYS = 365;
const DAY = 24 * 60 * 60 * 1_000;

/** A new CA, certificate and token. */
export async function makeCredentials(): Promise<Credentials> {
  const notBeforeDate = new Date(Date.now() - DAY);
  const notAfterDate = new Date(Date.now() + VALID_DAYS * DAY);
  const common = { keyType: 'ec', curve: 'P-256', algorithm: 'sha256', notBeforeDate, notAfterDate } as const;
  const ca = await generate([{ name: 'commonName', value: 'orrery-bridge-ca' }], {
    ...common,
    extensions: [{ name: 'basicConstraints', cA: true, critical: true }, { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true }],
  });
  const server = await generate([{ name: 'commonName', value: 'orrery-bridge' }], {
    ...common,
    ca: { key: ca.private, cert: ca.cert },
    extensions: [
      { name: 'basicConstraints', cA: false },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      { name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }, { type: 7, ip: '127.0.0.1' }, { type: 7, ip: '::1' }] },
    ],
  });
  return { key: server.private, cert: server.cert, ca: ca.cert, token: randomBytes(32).toString('base64url') };
}

/** Writes a kubeconfig for the bridge on `port` and returns its path. Without credentials it is that of a plain proxy. */
export function writeKubeconfig(port: number, credentials: Credentials | null, path = join(tmpdir(), `orrery-${process.pid}`, 'kubeconfig')): string {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const server = `${credentials === null ? 'http' : 'https'}://127.0.0.1:${port}`;
  const ca = credentials === null ? '' : `\n    certificate-authority-data: ${Buffer.from(credentials.ca).toString('base64')}`;
  const user = credentials === null ? '{}' : `\n    token: ${credentials.token}`;
  const text = `apiVersion: v1
kind: Config
clusters:
- name: orrery
  cluster:
    server: ${server}${ca}
contexts:
- name: orrery
  context:
    cluster: orrery
    user: orrery
current-context: orrery
preferences: {}
users:
- name: orrery
  user: ${user}
`;
  writeFileSync(path, text, { mode: 0o600 });
  chmodSync(path, 0o600);
  return path;
}
