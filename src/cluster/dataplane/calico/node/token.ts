// The credentials of the CNI plug-in (node/pkg/cni, cni-plugin/pkg/install): a token of the service account calico-cni-plugin in
// /etc/cni/net.d/calico-kubeconfig, asked for by install-cni and renewed by `calico-node -monitor-token` long before it runs out.

import { Client } from '../../../client/client.ts';
import { isProgrammingError, messageOf } from '../../../client/errors.ts';
import { inClusterConfig } from '../../../client/kubeconfig.ts';
import type { Os, Program } from '../../../machine/process.ts';
import type { Op } from '../../../sim/simulation.ts';
import { HOUR, SECOND } from '../../../sim/time.ts';
import { toBase64 } from '../../../api/base64.ts';
import { CALICO_VERSION, log } from '../log.ts';

export const KUBECONFIG = '/host/etc/cni/net.d/calico-kubeconfig';
const VALID_SECONDS = 24 * 3600;
const REFRESH = 6 * HOUR;
const RETRY = 5 * SECOND;

/** Asks for a token and writes the kubeconfig. Throws as the client does. */
export function* writeKubeconfig(os: Os, client: Client): Op<void> {
  const { server, ca = '' } = inClusterConfig(os);
  const answer = (yield* client.createSubresource('serviceaccounts', 'kube-system', 'calico-cni-plugin', 'token', {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { audiences: [], expirationSeconds: VALID_SECONDS },
  })) as { readonly status?: { readonly token?: string } };
  os.files.write(KUBECONFIG, text(server, ca, answer.status?.token ?? ''), 0o600);
}

const text = (server: string, ca: string, token: string): string => `# Kubeconfig file for Calico CNI plugin. Installed by calico/node.
apiVersion: v1
kind: Config
clusters:
- name: local
  cluster:
    server: ${server}
    certificate-authority-data: "${toBase64(ca)}"
users:
- name: calico
  user:
    token: ${token}
contexts:
- name: calico-context
  context:
    cluster: local
    user: calico
current-context: calico-context
`;

/** `calico-node -monitor-token`. */
export const monitorTokenProgram: Program = function* (os: Os): Op<number> {
  const client = new Client(os, { ...inClusterConfig(os), userAgent: `calico-node/${CALICO_VERSION} (linux/amd64) token-refresher` });
  for (;;) {
    let wait = REFRESH;
    try {
      yield* writeKubeconfig(os, client);
    } catch (error) {
      if (isProgrammingError(error)) throw error;
      log(os, 'ERROR', 'cni-config-monitor/token_watch.go 117', `Failed to update CNI token, retrying... error=${messageOf(error)}`);
      wait = RETRY;
    }
    yield* os.sleep(wait);
  }
};
