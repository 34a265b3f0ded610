// The tokens controller (pkg/controller/serviceaccount/tokens_controller.go): fills Secrets of type kubernetes.io/service-account-token
// with a token that does not expire, and deletes them when their account is gone.

import { fromBase64, toBase64 } from '../api/base64.ts';
import type { Secret, ServiceAccount } from '../api/generated/types.ts';
import { keyOf } from '../api/meta.ts';
import { isConflict, isNotFound } from '../api/status.ts';
import { signToken } from '../api/token.ts';
import type { Client } from '../client/client.ts';
import { runController, type Sync } from '../client/controller.ts';
import type { Informer } from '../client/informer.ts';
import { WorkQueue } from '../client/workqueue.ts';
import type { Os } from '../machine/process.ts';
import type { Op } from '../sim/simulation.ts';
import { type Controller, type ControllerContext, subjectsOf } from './context.ts';

const NAME = 'serviceaccount-token-controller';
export const TOKEN_SECRET = 'kubernetes.io/service-account-token';
const ACCOUNT_NAME = 'kubernetes.io/service-account.name';
const ACCOUNT_UID = 'kubernetes.io/service-account.uid';
const ISSUER = 'kubernetes/serviceaccount';
const CLAIM = 'kubernetes.io/serviceaccount/';

export class ServiceAccountTokens implements Controller {
  readonly #os: Os;
  /** It acts as the manager itself: it makes what others get their identity from. */
  readonly #client: Client;
  readonly #key: string;
  readonly #rootCa: string;
  readonly #accounts: Informer<ServiceAccount>;
  readonly #secrets: Informer<Secret>;
  readonly #queue: WorkQueue;

  constructor(context: ControllerContext) {
    const { serviceAccountPrivateKeyFile: key, rootCaFile } = context.flags;
    this.#os = context.os;
    this.#client = context.base;
    this.#key = key === '' ? '' : context.os.files.read(key);
    this.#rootCa = rootCaFile === '' ? '' : context.os.files.read(rootCaFile);
    this.#queue = new WorkQueue(context.os.sim);
    this.#accounts = context.informers.informer('serviceaccounts');
    this.#secrets = context.informers.informer('secrets');
    this.#secrets.addIndex('token-of', (secret) =>
      secret.type === TOKEN_SECRET ? [`${secret.metadata.namespace}/${secret.metadata.annotations?.[ACCOUNT_NAME] ?? ''}`] : [],
    );
    const secretSeen = (secret: Secret): void => {
      if (secret.type === TOKEN_SECRET) this.#queue.add(keyOf(secret));
    };
    this.#secrets.addHandler({ add: secretSeen, update: (_, secret) => secretSeen(secret) });
    const accountSeen = (account: ServiceAccount): void => {
      for (const secret of this.#secrets.index('token-of', keyOf(account))) this.#queue.add(keyOf(secret));
    };
    this.#accounts.addHandler({ add: accountSeen, delete: accountSeen });
  }

  run(): void {
    if (this.#key === '') return;
    runController(this.#os, { name: NAME, queue: this.#queue, workers: 5, subject: subjectsOf('secrets'), sync: (key, sync) => this.#sync(key, sync) });
  }

  *#sync(key: string, sync: Sync): Op<void> {
    const secret = this.#secrets.getByKey(key);
    if (!secret || secret.type !== TOKEN_SECRET || secret.metadata.deletionTimestamp) return;
    const { namespace = '', annotations } = secret.metadata;
    const account = this.#accounts.get(namespace, annotations?.[ACCOUNT_NAME] ?? '');
    const wantedUid = annotations?.[ACCOUNT_UID] ?? '';
    try {
      if (!account || (wantedUid !== '' && wantedUid !== account.metadata.uid)) yield* this.#remove(secret, sync);
      else yield* this.#fill(secret, account, sync);
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  }

  *#remove({ metadata }: Secret, sync: Sync): Op<void> {
    sync.decide({ delete: metadata.name });
    const { namespace = '', name, uid } = metadata;
    yield* this.#client.delete('secrets', namespace, name, uid === undefined ? {} : { preconditions: { uid } });
  }

  *#fill(secret: Secret, account: ServiceAccount, sync: Sync): Op<void> {
    const { name, namespace = '', annotations } = secret.metadata;
    const data: Record<string, string> = { ...secret.data };
    const uid = account.metadata.uid ?? '';
    if (this.#rootCa !== '' && fromBase64(data['ca.crt'] ?? '') !== this.#rootCa) data['ca.crt'] = toBase64(this.#rootCa);
    if (fromBase64(data['namespace'] ?? '') !== namespace) data['namespace'] = toBase64(namespace);
    if (!data['token']) data['token'] = toBase64(this.#token(namespace, name, account.metadata.name, uid));
    const same = annotations?.[ACCOUNT_UID] === uid && ['ca.crt', 'namespace', 'token'].every((part) => data[part] === secret.data?.[part]);
    if (same) return;
    sync.decide({ fill: name });
    const metadata = { ...secret.metadata, annotations: { ...annotations, [ACCOUNT_NAME]: account.metadata.name, [ACCOUNT_UID]: uid } };
    yield* this.#client.update('secrets', { ...secret, metadata, data });
  }

  #token(namespace: string, secret: string, account: string, uid: string): string {
    return signToken(this.#key, {
      iss: ISSUER,
      [`${CLAIM}namespace`]: namespace,
      [`${CLAIM}secret.name`]: secret,
      [`${CLAIM}service-account.name`]: account,
      [`${CLAIM}service-account.uid`]: uid,
      sub: `system:serviceaccount:${namespace}:${account}`,
    });
  }
}
