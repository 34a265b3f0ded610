// kube-webhook-certgen (ingress-nginx/images/kube-webhook-certgen): `create` makes an authority and a certificate in a Secret,
// `patch` puts the authority into the webhook configurations.

import { fromBase64, toBase64 } from '../../api/base64.ts';
import { createAuthority, issueCertificate } from '../../api/pki.ts';
import { isNotFound } from '../../api/status.ts';
import { Client } from '../../client/client.ts';
import { inClusterConfig } from '../../client/kubeconfig.ts';
import type { Os, Program } from '../../machine/process.ts';
import type { Op } from '../../sim/simulation.ts';
import { formatTime, MILLISECOND, SECOND } from '../../sim/time.ts';

const CENTURY = 100 * 365 * 24 * 3600 * SECOND;

export const certgenProgram: Program = function* (os: Os): Op<number> {
  const flag = (name: string): string => os.argv.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3) ?? '';
  const say = (text: string, level = 'info'): void =>
    os.logError(JSON.stringify({ level, msg: text, source: 'cmd/root.go', time: os.sim.time() }));
  const client = new Client(os, { ...inClusterConfig(os), userAgent: 'kube-webhook-certgen' });
  const namespace = flag('namespace');
  const secret = flag('secret-name');
  os.logError('W client_config.go:667] Neither --kubeconfig nor --master was specified.  Using the inClusterConfig.  This might not work.');
  if (os.argv.includes('create')) {
    yield* create(os, client, namespace, secret, flag('host').split(','), say);
    return 0;
  }
  if (!os.argv.includes('patch')) return 1;
  const name = flag('webhook-name');
  say(`patching webhook configurations '${name}' mutating=${flag('patch-mutating') !== 'false'}, validating=${flag('patch-validating') !== 'false'}, failurePolicy=${flag('patch-failure-policy')}`);
  const kept = yield* read(client, namespace, secret);
  if (kept === undefined) {
    say(`no secret with '${secret}' in '${namespace}'`, 'fatal');
    return 1;
  }
  const resource = 'validatingwebhookconfigurations.admissionregistration.k8s.io';
  const found = yield* client.get(resource, '', name);
  const failurePolicy = flag('patch-failure-policy');
  const webhooks = (found.webhooks ?? []).map((hook) => ({ ...hook, clientConfig: { ...hook.clientConfig, caBundle: kept['ca'] ?? '' }, ...(failurePolicy === '' ? {} : { failurePolicy }) }));
  yield* client.update(resource, { ...found, webhooks });
  say(`Patched hook(s)`);
  return 0;
};

function* read(client: Client, namespace: string, name: string): Op<Readonly<Record<string, string>> | undefined> {
  try {
    return (yield* client.get('secrets', namespace, name)).data;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

function* create(os: Os, client: Client, namespace: string, name: string, hosts: readonly string[], say: (text: string) => void): Op<void> {
  say(`getting secret '${name}' in namespace '${namespace}'`);
  const known = yield* read(client, namespace, name);
  if (known && fromBase64(known['ca'] ?? '')) {
    say('secret already exists');
    return;
  }
  say('creating new secret');
  // Keys take time to be found.
  yield* os.sleep(40 * MILLISECOND);
  const random = os.sim.random(`certgen/${os.place}`);
  const now = os.sim.epoch + os.sim.now;
  const period = { notBefore: formatTime(now), notAfter: formatTime(now + CENTURY) };
  const authority = createAuthority({ commonName: 'nil1', organizations: ['nil1'], ...period, entropy: random.uuid() });
  const made = issueCertificate(authority, { commonName: 'nil2', organizations: ['nil2'], sans: hosts, ...period, entropy: random.uuid() });
  const data = { ca: toBase64(authority.certificate), cert: toBase64(made.certificate), key: toBase64(made.key) };
  yield* client.create('secrets', { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace }, type: 'Opaque', data });
}
