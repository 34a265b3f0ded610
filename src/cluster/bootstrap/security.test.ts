// A whole cluster under the exact policy: nothing of the system is refused anything for long, the roles for people are aggregated, and a Secret of
// type kubernetes.io/service-account-token gets its token.

import { expect, test, vi } from 'vitest';
import type { ClusterRole, Secret } from '../api/generated/types.ts';
import { fromBase64 } from '../api/base64.ts';
import { readToken } from '../api/token.ts';
import { Authorizer } from '../apiserver/authorization/authorizer.ts';
import { Client } from '../client/client.ts';
import { loadKubeconfig } from '../client/kubeconfig.ts';
import type { Os } from '../machine/process.ts';
import type { Op } from '../sim/simulation.ts';
import { MINUTE, SECOND } from '../sim/time.ts';
import { Cluster, OPERATOR_ENV } from './cluster.ts';
import { bootUntilReady } from './operator.ts';
import { OPERATOR_KUBECONFIG } from './provision.ts';

test('the system has the rights that it needs, and people have theirs', () => {
  /** What was refused and not allowed later: the scheduler may ask before the API server has written the bootstrap roles. */
  const refused = new Set<string>();
  const decide = vi.spyOn(Authorizer.prototype, 'decide');
  const cluster = new Cluster({ controlPlanes: 1, workers: 1, seed: 1 });
  try {
    expect(bootUntilReady(cluster, 5 * MINUTE)).toBe(true);
    cluster.sim.runUntil(cluster.sim.now + 30 * SECOND);
  } finally {
    for (const [i, [a]] of decide.mock.calls.entries()) {
      const { allowed } = (decide.mock.results[i] as { readonly value: ReturnType<Authorizer['decide']> }).value;
      const asked = `${a.user.name} ${a.resource}/${a.subresource} ${a.namespace}/${a.name}`;
      if (allowed) refused.delete(asked);
      else refused.add(asked);
    }
    decide.mockRestore();
  }
  expect([...refused]).toEqual([]);

  let view: ClusterRole | undefined;
  let secret: Secret | undefined;
  let username = '';
  cluster.operator.spawn(
    function* (os: Os): Op<void> {
      const client = new Client(os, { ...loadKubeconfig(os, OPERATOR_KUBECONFIG), userAgent: 'test' });
      view = yield* client.get('clusterroles.rbac.authorization.k8s.io', '', 'view');
      const annotations = { 'kubernetes.io/service-account.name': 'default' };
      const metadata = { name: 't', namespace: 'default', annotations };
      yield* client.create('secrets', { apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/service-account-token', metadata });
      yield* os.sleep(5 * SECOND);
      secret = yield* client.get('secrets', 'default', 't');
      const token = fromBase64(secret.data?.['token'] ?? '') ?? '';
      const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', metadata: {}, spec: { token } };
      const answer = (yield* client.create('tokenreviews.authentication.k8s.io', review as never)) as { status?: { user?: { username?: string } } };
      username = answer.status?.user?.username ?? '';
    },
    { argv: ['test'], env: OPERATOR_ENV },
  );
  cluster.sim.runUntil(cluster.sim.now + 10 * SECOND);
  expect(view?.rules?.length).toBeGreaterThan(8);
  expect(Object.keys(secret?.data ?? {}).sort()).toEqual(['ca.crt', 'namespace', 'token']);
  expect(readToken(fromBase64(secret?.data?.['token'] ?? '') ?? '')).toMatchObject({
    iss: 'kubernetes/serviceaccount',
    'kubernetes.io/serviceaccount/secret.name': 't',
  });
  expect(username).toBe('system:serviceaccount:default:default');
});
