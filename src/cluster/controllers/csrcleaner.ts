// The CSR cleaner (pkg/controller/certificates/cleaner): certificate requests do not stay for ever. Issued, approved and denied
// ones go after an hour, pending ones after a day, all when their certificate has expired. Upstream looks every hour.

import type { CertificateSigningRequest } from '../api/generated/types.ts';
import { fromBase64 } from '../api/base64.ts';
import { readCertificate } from '../api/pki.ts';
import { isNotFound } from '../api/status.ts';
import type { Client } from '../client/client.ts';
import { isProgrammingError, messageOf } from '../client/errors.ts';
import type { Informer } from '../client/informer.ts';
import type { Os } from '../machine/process.ts';
import type { Op } from '../sim/simulation.ts';
import { HOUR, type Micros, parseTime } from '../sim/time.ts';
import type { Controller, ControllerContext } from './context.ts';

const PERIOD: Micros = HOUR;
const DECIDED: Micros = HOUR;
const PENDING: Micros = 24 * HOUR;

export class CsrCleaner implements Controller {
  readonly #os: Os;
  readonly #client: Client;
  readonly #requests: Informer<CertificateSigningRequest>;

  constructor(context: ControllerContext) {
    this.#os = context.os;
    this.#client = context.client('certificate-controller');
    this.#requests = context.informers.informer('certificatesigningrequests.certificates.k8s.io');
  }

  *run(): Op<void> {
    for (;;) {
      this.#os.sim.cause = null;
      for (const csr of this.#requests.list()) if (isOver(csr, this.#os.sim.epoch + this.#os.sim.now)) yield* this.#remove(csr.metadata.name);
      yield* this.#os.sleep(PERIOD);
    }
  }

  *#remove(name: string): Op<void> {
    try {
      yield* this.#client.delete('certificatesigningrequests.certificates.k8s.io', '', name);
    } catch (error) {
      if (isProgrammingError(error)) throw error;
      if (!isNotFound(error)) this.#os.logError(`"Error while attempting to clean CSR" csr="${name}" err="${messageOf(error)}"`);
    }
  }
}

/** `now` is since 1970. */
export function isOver({ metadata, status }: CertificateSigningRequest, now: Micros): boolean {
  const older = (time: string | undefined, than: Micros): boolean => {
    const at = parseTime(time ?? '');
    return at !== undefined && now - at > than;
  };
  const conditions = status?.conditions ?? [];
  if (conditions.length === 0 && !status?.certificate) return older(metadata.creationTimestamp, PENDING);
  if (conditions.some(({ lastUpdateTime }) => older(lastUpdateTime, DECIDED))) return true;
  const certificate = status?.certificate ? readCertificate(fromBase64(status.certificate) ?? '') : null;
  return certificate !== null && older(certificate.notAfter, 0);
}
