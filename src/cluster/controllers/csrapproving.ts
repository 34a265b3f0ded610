// The CSR approving controller (pkg/controller/certificates/approver): approves a kubelet's request for its client
// certificate when the requester may have one, as SubjectAccessReview says.

import type { CertificateSigningRequest, SubjectAccessReview } from '../api/generated/types.ts';
import { keyOf } from '../api/meta.ts';
import type { Client } from '../client/client.ts';
import { runController, type Sync } from '../client/controller.ts';
import type { Informer } from '../client/informer.ts';
import { WorkQueue } from '../client/workqueue.ts';
import type { Os } from '../machine/process.ts';
import type { Op } from '../sim/simulation.ts';
import { hasCondition, isKubeletClientRequest, KUBELET_CLIENT_SIGNER, requestOf } from './certificates.ts';
import { type Controller, type ControllerContext, subjectsOf } from './context.ts';

const NAME = 'certificate-controller';

interface Recognizer {
  readonly subresource: string;
  /** The node asks for itself. */
  readonly self: boolean;
  readonly message: string;
}

const RECOGNIZERS: readonly Recognizer[] = [
  { subresource: 'selfnodeclient', self: true, message: 'Auto approving self kubelet client certificate after SubjectAccessReview.' },
  { subresource: 'nodeclient', self: false, message: 'Auto approving kubelet client certificate after SubjectAccessReview.' },
];

export class CsrApproving implements Controller {
  readonly #os: Os;
  readonly #client: Client;
  readonly #requests: Informer<CertificateSigningRequest>;
  readonly #queue: WorkQueue;

  constructor(context: ControllerContext) {
    this.#os = context.os;
    this.#client = context.client(NAME);
    this.#queue = new WorkQueue(context.os.sim);
    this.#requests = context.informers.informer('certificatesigningrequests.certificates.k8s.io');
    this.#requests.addHandler({ add: (csr) => this.#queue.add(keyOf(csr)), update: (_, csr) => this.#queue.add(keyOf(csr)) });
  }

  run(): void {
    runController(this.#os, {
      name: 'csrapproving',
      queue: this.#queue,
      workers: 1,
      subject: subjectsOf('certificatesigningrequests.certificates.k8s.io'),
      sync: (key, sync) => this.#sync(key, sync),
    });
  }

  *#sync(key: string, sync: Sync): Op<void> {
    const csr = this.#requests.getByKey(key);
    if (!csr || csr.status?.certificate || hasCondition(csr, 'Approved') || hasCondition(csr, 'Denied')) return;
    const request = requestOf(csr);
    if (csr.spec.signerName !== KUBELET_CLIENT_SIGNER || !request || !isKubeletClientRequest(csr, request)) return;
    for (const { subresource, self, message } of RECOGNIZERS) {
      if (self && csr.spec.username !== request.commonName) continue;
      if (!(yield* this.#allowed(csr, subresource))) continue;
      sync.decide({ approve: csr.metadata.name, because: subresource });
      const now = this.#os.sim.time();
      const approval = { type: 'Approved', status: 'True', reason: 'AutoApproved', message, lastUpdateTime: now, lastTransitionTime: now };
      const status = { ...csr.status, conditions: [...(csr.status?.conditions ?? []), approval] };
      yield* this.#client.update('certificatesigningrequests.certificates.k8s.io', { ...csr, status }, 'approval');
      return;
    }
  }

  *#allowed(csr: CertificateSigningRequest, subresource: string): Op<boolean> {
    const { username, uid, groups, extra } = csr.spec;
    const review = {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      metadata: {},
      spec: {
        ...(username === undefined ? {} : { user: username }),
        ...(uid === undefined ? {} : { uid }),
        ...(groups === undefined ? {} : { groups }),
        ...(extra === undefined ? {} : { extra }),
        resourceAttributes: { group: 'certificates.k8s.io', resource: 'certificatesigningrequests', verb: 'create', subresource, version: '*' },
      },
    };
    const answer: SubjectAccessReview = yield* this.#client.create('subjectaccessreviews.authorization.k8s.io', review);
    return answer.status?.allowed ?? false;
  }
}
