// The status of ValidatingAdmissionPolicies (pkg/controller/validatingadmissionpolicystatus): which generation has been looked
// at. Upstream also checks the expressions against the types of what the policy matches; here the API server compiles them.

import type { ValidatingAdmissionPolicy } from '../api/generated/types.ts';
import { keyOf } from '../api/meta.ts';
import type { Client } from '../client/client.ts';
import { runController, type Sync } from '../client/controller.ts';
import type { Informer } from '../client/informer.ts';
import { WorkQueue } from '../client/workqueue.ts';
import type { Os } from '../machine/process.ts';
import type { Op } from '../sim/simulation.ts';
import { type Controller, type ControllerContext, subjectsOf } from './context.ts';

const RESOURCE = 'validatingadmissionpolicies.admissionregistration.k8s.io';

export class PolicyStatusController implements Controller {
  readonly #os: Os;
  readonly #client: Client;
  readonly #policies: Informer<ValidatingAdmissionPolicy>;
  readonly #queue: WorkQueue;

  constructor(context: ControllerContext) {
    this.#os = context.os;
    this.#client = context.client('validatingadmissionpolicy-status-controller');
    this.#queue = new WorkQueue(context.os.sim);
    this.#policies = context.informers.informer(RESOURCE);
    const seen = (policy: ValidatingAdmissionPolicy): void => this.#queue.add(keyOf(policy));
    this.#policies.addHandler({ add: seen, update: (_, policy) => seen(policy) });
  }

  run(): void {
    runController(this.#os, {
      name: 'validatingadmissionpolicy-status-controller',
      queue: this.#queue,
      workers: 1,
      subject: subjectsOf(RESOURCE),
      sync: (name, sync) => this.#sync(name, sync),
    });
  }

  *#sync(name: string, sync: Sync): Op<void> {
    const policy = this.#policies.get('', name);
    const observedGeneration = policy?.metadata.generation ?? 0;
    if (!policy || policy.status?.observedGeneration === observedGeneration) return;
    sync.decide({ observedGeneration });
    yield* this.#client.updateStatus(RESOURCE, { ...policy, status: { ...policy.status, observedGeneration, typeChecking: {} } });
  }
}
