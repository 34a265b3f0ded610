// `gateway generate-certs` of NGINX Gateway Fabric, which a Job runs: the certificates with which control plane and agents know each other.

import { toBase64 } from '../../api/base64.ts';
import { createAuthority, issueCertificate } from '../../api/pki.ts';
import { isAlreadyExists } from '../../api/status.ts';
import { Client } from '../../client/client.ts';
import { inClusterConfig } from '../../client/kubeconfig.ts';
import type { Os, Program } from '../../machine/process.ts';
import type { Op } from '../../sim/simulation.ts';
import { formatTime, MILLISECOND, SECOND } from '../../sim/time.ts';

const YEARS = 3 * 365 * 24 * 3600 * SECOND;

/** `gateway generate-certs`: an authority, and certificates for the control plane and for agents. */
export const generateCertificates: Program = function* (os: Os): Op<number> {
  const flag = (name: string): string => os.argv.find((a) => a.startsWith(`--${name}=`))?.slice(name.length + 3) ?? '';
  const client = new Client(os, { ...inClusterConfig(os), userAgent: 'nginx-gateway' });
  const namespace = os.env['POD_NAMESPACE'] ?? 'nginx-gateway';
  const random = os.sim.random(`ngf/${os.place}`);
  const now = os.sim.epoch + os.sim.now;
  const period = { notBefore: formatTime(now), notAfter: formatTime(now + YEARS) };
  const authority = createAuthority({ commonName: 'nginx-gateway', organizations: ['F5'], ...period, entropy: random.uuid() });
  const issue = (commonName: string, sans: readonly string[]) => issueCertificate(authority, { commonName, sans, ...period, entropy: random.uuid() });
  yield* os.sleep(120 * MILLISECOND);
  const host = `${flag('service')}.${namespace}.svc`;
  for (const [name, made] of [[flag('server-tls-secret'), issue(host, [host])], [flag('agent-tls-secret'), issue('*.cluster.local', ['*.cluster.local'])]] as const) {
    try {
      const data = { 'ca.crt': toBase64(authority.certificate), 'tls.crt': toBase64(made.certificate), 'tls.key': toBase64(made.key) };
      yield* client.create('secrets', { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace }, type: 'kubernetes.io/tls', data });
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
  }
  return 0;
};
