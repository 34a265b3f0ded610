// The CSR signing controller (pkg/controller/certificates/signer): issues the certificates of approved requests with the
// cluster's authority, for a year unless less is asked for.

import type { CertificateSigningRequest } from '../api/generated/types.ts';
import { toBase64 } from '../api/base64.ts';
import { keyOf } from '../api/meta.ts';
import { type KeyedCertificate, signRequest } from '../api/pki.ts';
import type { Client } from '../client/client.ts';
import { runController, type Sync } from '../client/controller.ts';
import type { Informer } from '../client/informer.ts';
import { WorkQueue } from '../client/workqueue.ts';
import type { Os } from '../machine/process.ts';
import type { Op } from '../sim/simulation.ts';
import { formatTime, HOUR, MINUTE, SECOND } from '../sim/time.ts';
import { hasCondition, isKubeletClientRequest, KUBELET_CLIENT_SIGNER, requestOf } from './certificates.ts';
import { type Controller, type ControllerContext, subjectsOf } from './context.ts';

const NAME = 'certificate-controller';
const LONGEST = 365 * 24 * HOUR;
const BACKDATE = 5 * MINUTE;
const SIGNERS = new Set([KUBELET_CLIENT_SIGNER, 'kubernetes.io/kube-apiserver-client', 'kubernetes.io/kubelet-serving', 'kubernetes.io/legacy-unknown']);

export class CsrSigning implements Controller {
  readonly #os: Os;
  readonly #client: Client;
  readonly #authority: KeyedCertificate | null;
  readonly #requests: Informer<CertificateSigningRequest>;
  readonly #queue: WorkQueue;

  constructor(context: ControllerContext) {
    const { clusterSigningCertFile, clusterSigningKeyFile } = context.flags;
    const files = context.os.files;
    this.#os = context.os;
    this.#client = context.client(NAME);
    this.#authority = clusterSigningCertFile === '' ? null : { certificate: files.read(clusterSigningCertFile), key: files.read(clusterSigningKeyFile) };
    this.#queue = new WorkQueue(context.os.sim);
    this.#requests = context.informers.informer('certificatesigningrequests.certificates.k8s.io');
    this.#requests.addHandler({ add: (csr) => this.#queue.add(keyOf(csr)), update: (_, csr) => this.#queue.add(keyOf(csr)) });
  }

  run(): void {
    runController(this.#os, {
      name: 'csrsigning',
      queue: this.#queue,
      workers: 1,
      subject: subjectsOf('certificatesigningrequests.certificates.k8s.io'),
      sync: (key, sync) => this.#sync(key, sync),
    });
  }

  *#sync(key: string, sync: Sync): Op<void> {
    const csr = this.#requests.getByKey(key);
    if (!csr || !this.#authority || csr.status?.certificate || !hasCondition(csr, 'Approved') || hasCondition(csr, 'Denied')) return;
    if (hasCondition(csr, 'Failed') || !SIGNERS.has(csr.spec.signerName)) return;
    const request = requestOf(csr);
    if (!request || (csr.spec.signerName === KUBELET_CLIENT_SIGNER && !isKubeletClientRequest(csr, request))) {
      yield* this.#fail(csr, sync);
      return;
    }
    sync.decide({ sign: csr.metadata.name, commonName: request.commonName });
    const now = this.#os.sim.epoch + this.#os.sim.now;
    const lifetime = Math.min(LONGEST, (csr.spec.expirationSeconds ?? LONGEST / SECOND) * SECOND);
    const certificate = signRequest(this.#authority, request, formatTime(now - BACKDATE), formatTime(now + lifetime));
    const status = { ...csr.status, certificate: toBase64(certificate) };
    yield* this.#client.updateStatus('certificatesigningrequests.certificates.k8s.io', { ...csr, status });
  }

  *#fail(csr: CertificateSigningRequest, sync: Sync): Op<void> {
    sync.decide({ fail: csr.metadata.name });
    const now = this.#os.sim.time();
    const message = 'CSR is not valid for its signer';
    const failed = { type: 'Failed', status: 'True', reason: 'SignerValidationFailure', message, lastUpdateTime: now, lastTransitionTime: now };
    const status = { ...csr.status, conditions: [...(csr.status?.conditions ?? []), failed] };
    yield* this.#client.updateStatus('certificatesigningrequests.certificates.k8s.io', { ...csr, status });
  }
}
