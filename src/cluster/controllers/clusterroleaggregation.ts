// ClusterRole aggregation (pkg/controller/clusterroleaggregation): a role with an aggregationRule has the rules of all roles
// that it selects by label (how `view`, `edit` and `admin` grow).

import type { ClusterRole, PolicyRule } from '../api/generated/types.ts';
import { jsonEqual, keyOf } from '../api/meta.ts';
import { matchLabels, selectorOf } from '../api/selector.ts';
import type { Client } from '../client/client.ts';
import { runController, type Sync } from '../client/controller.ts';
import type { Informer } from '../client/informer.ts';
import { WorkQueue } from '../client/workqueue.ts';
import type { Os } from '../machine/process.ts';
import type { Op } from '../sim/simulation.ts';
import { type Controller, type ControllerContext, subjectsOf } from './context.ts';

const NAME = 'clusterrole-aggregation-controller';

export class ClusterRoleAggregation implements Controller {
  readonly #os: Os;
  readonly #client: Client;
  readonly #roles: Informer<ClusterRole>;
  readonly #queue: WorkQueue;

  constructor(context: ControllerContext) {
    this.#os = context.os;
    this.#client = context.client(NAME);
    this.#queue = new WorkQueue(context.os.sim);
    this.#roles = context.informers.informer('clusterroles.rbac.authorization.k8s.io');
    this.#roles.addIndex('aggregating', (role) => (role.aggregationRule ? [''] : []));
    const seen = (): void => {
      for (const role of this.#roles.index('aggregating', '')) this.#queue.add(keyOf(role));
    };
    this.#roles.addHandler({ add: seen, update: seen, delete: seen });
  }

  run(): void {
    runController(this.#os, {
      name: NAME,
      queue: this.#queue,
      workers: 5,
      subject: subjectsOf('clusterroles.rbac.authorization.k8s.io'),
      sync: (key, sync) => this.#sync(key, sync),
    });
  }

  *#sync(key: string, sync: Sync): Op<void> {
    const role = this.#roles.getByKey(key);
    if (!role?.aggregationRule) return;
    const rules: PolicyRule[] = [];
    for (const selector of role.aggregationRule.clusterRoleSelectors ?? []) {
      const selected = this.#roles.list().filter((other) => matchLabels(selectorOf(selector), other.metadata.labels) && other.metadata.name !== key);
      for (const other of selected.sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))) {
        for (const rule of other.rules ?? []) if (!rules.some((known) => jsonEqual(known, rule))) rules.push(rule);
      }
    }
    if (jsonEqual(role.rules ?? [], rules)) return;
    sync.decide({ rules: rules.length });
    yield* this.#client.update('clusterroles.rbac.authorization.k8s.io', { ...role, rules });
  }
}
