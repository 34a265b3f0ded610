// The bootstrap signer (pkg/controller/bootstrap/bootstrapsigner.go): signs the public ConfigMap cluster-info with every
// bootstrap token, so that who has a token can trust it before he knows the cluster's certificate.

import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import type { ConfigMap, Secret } from '../api/generated/types.ts';
import { bytesToBase64Url, toBase64Url } from '../api/base64.ts';
import { bytesOf } from '../api/bytes.ts';
import { jsonEqual } from '../api/meta.ts';
import type { Client } from '../client/client.ts';
import { runController, type Sync } from '../client/controller.ts';
import type { Informer } from '../client/informer.ts';
import { WorkQueue } from '../client/workqueue.ts';
import type { Os } from '../machine/process.ts';
import type { Op } from '../sim/simulation.ts';
import { BOOTSTRAP_TOKEN, expiryOf, tokenField } from './bootstraptokens.ts';
import { type Controller, type ControllerContext, subjectsOf } from './context.ts';

const NAME = 'bootstrap-signer';
const NAMESPACE = 'kube-public';
const CLUSTER_INFO = 'cluster-info';
const KUBECONFIG = 'kubeconfig';
const SIGNATURE = 'jws-kubeconfig-';

export class BootstrapSigner implements Controller {
  readonly #os: Os;
  readonly #client: Client;
  readonly #configMaps: Informer<ConfigMap>;
  readonly #secrets: Informer<Secret>;
  readonly #queue: WorkQueue;

  constructor(context: ControllerContext) {
    this.#os = context.os;
    this.#client = context.client(NAME);
    this.#queue = new WorkQueue(context.os.sim);
    this.#configMaps = context.informers.informer('configmaps');
    this.#secrets = context.informers.informer('secrets');
    const key = `${NAMESPACE}/${CLUSTER_INFO}`;
    const mapSeen = (map: ConfigMap): void => {
      if (map.metadata.name === CLUSTER_INFO && map.metadata.namespace === NAMESPACE) this.#queue.add(key);
    };
    const secretSeen = (secret: Secret): void => {
      if (secret.type === BOOTSTRAP_TOKEN) this.#queue.add(key);
    };
    this.#configMaps.addHandler({ add: mapSeen, update: (_, map) => mapSeen(map) });
    this.#secrets.addHandler({ add: secretSeen, update: (_, secret) => secretSeen(secret), delete: secretSeen });
  }

  run(): void {
    runController(this.#os, { name: NAME, queue: this.#queue, workers: 1, subject: subjectsOf('configmaps'), sync: (_, sync) => this.#sync(sync) });
  }

  *#sync(sync: Sync): Op<void> {
    const map = this.#configMaps.get(NAMESPACE, CLUSTER_INFO);
    const content = map?.data?.[KUBECONFIG];
    if (!map || content === undefined) return;
    const data: Record<string, string> = {};
    for (const [name, value] of Object.entries(map.data ?? {})) if (!name.startsWith(SIGNATURE)) data[name] = value;
    for (const { id, secret } of this.#tokens()) data[SIGNATURE + id] = detachedSignature(content, id, secret);
    if (jsonEqual(map.data, data)) return;
    sync.decide({ sign: Object.keys(data).filter((name) => name.startsWith(SIGNATURE)) });
    yield* this.#client.update('configmaps', { ...map, data });
  }

  #tokens(): { readonly id: string; readonly secret: string }[] {
    const now = this.#os.sim.epoch + this.#os.sim.now;
    return this.#secrets
      .list('kube-system')
      .filter((secret) => secret.type === BOOTSTRAP_TOKEN && tokenField(secret, 'usage-bootstrap-signing') === 'true')
      .filter((secret) => (expiryOf(secret) ?? Number.POSITIVE_INFINITY) > now)
      .map((secret) => ({ id: tokenField(secret, 'token-id'), secret: tokenField(secret, 'token-secret') }));
  }
}

/** A JWS whose payload is left out, as it stands beside it. */
function detachedSignature(content: string, id: string, secret: string): string {
  const header = toBase64Url(`{"alg":"HS256","kid":"${id}"}`);
  const signature = hmac(sha256, bytesOf(secret), bytesOf(`${header}.${toBase64Url(content)}`));
  return `${header}..${bytesToBase64Url(signature)}`;
}
