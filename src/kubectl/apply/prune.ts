// apply --prune: deletes what was applied before, is selected, and is no longer in the configurations (kubectl/pkg/util/prune).

import { isNotFound } from '../../cluster/api/status.ts';
import type { Op } from '../../cluster/sim/simulation.ts';
import type { Context } from '../context.ts';
import type { Flags } from '../flag-set.ts';
import { type DryRun, operationText } from '../mutation.ts';
import { CommandError } from '../print/error.ts';
import { nameOf } from '../print/printer.ts';
import type { Info } from '../resource/builder.ts';
import type { Mapping } from '../resource/discovery.ts';
import type { LiveObject } from '../rest.ts';
import { lastAppliedText } from './last-applied.ts';

const NAMESPACED = ['v1/ConfigMap', 'v1/Endpoints', 'v1/PersistentVolumeClaim', 'v1/Pod', 'v1/ReplicationController', 'v1/Secret', 'v1/Service', 'batch/v1/Job', 'batch/v1/CronJob', 'networking.k8s.io/v1/Ingress', 'apps/v1/DaemonSet', 'apps/v1/Deployment', 'apps/v1/ReplicaSet', 'apps/v1/StatefulSet'];
const CLUSTER = ['v1/Namespace', 'v1/PersistentVolume'];

function* typesOf(context: Context, flags: Flags): Op<Mapping[]> {
  const listed = flags.list('prune-allowlist');
  const names = listed.length > 0 ? listed.map((entry) => entry.replace(/^core\//, '')) : [...NAMESPACED, ...(context.namespaceGiven ? [] : CLUSTER)];
  if (listed.length === 0 && context.namespaceGiven) context.warn('--namespace was used with --prune: cluster-scoped resources are not pruned');
  const found: Mapping[] = [];
  for (const name of names) {
    const slash = name.lastIndexOf('/');
    if (slash < 0) throw new CommandError(`invalid GroupVersionKind format: ${name}, please follow <group/version/kind>`);
    const mapping = yield* context.mapper.byKind(name.slice(0, slash), name.slice(slash + 1));
    if (!mapping) throw new CommandError(`no matches for kind "${name.slice(slash + 1)}" in version "${name.slice(0, slash)}"`);
    found.push(mapping);
  }
  return found;
}

export function* prune(context: Context, flags: Flags, applied: readonly LiveObject[], infos: readonly Info[], dry: DryRun): Op<void> {
  const kept = new Set(applied.map((o) => o.metadata?.uid));
  const namespaces = new Set(infos.filter((i) => i.mapping.namespaced).map((i) => i.namespace));
  if (context.namespaceGiven) namespaces.add(context.namespace);
  const types = yield* typesOf(context, flags);
  const selector = flags.text('selector');
  const scopes = [...[...namespaces].sort().flatMap((namespace) => types.filter((m) => m.namespaced).map((mapping) => ({ mapping, namespace }))), ...types.filter((m) => !m.namespaced).map((mapping) => ({ mapping, namespace: '' }))];
  for (const { mapping, namespace } of scopes) {
    for (const object of yield* context.rest.list({ mapping, namespace, name: '' }, selector ? { labelSelector: selector } : {})) {
      const name = object.metadata?.name ?? '';
      if (lastAppliedText(object) === undefined || kept.has(object.metadata?.uid) || object.metadata?.deletionTimestamp) continue;
      if (dry !== 'client') {
        try {
          yield* context.rest.delete({ mapping, namespace, name }, { propagationPolicy: 'Background', ...(dry === 'server' ? { dryRun: ['All'] } : {}) });
        } catch (error) {
          if (!isNotFound(error)) throw error;
        }
      }
      context.print(`${nameOf({ object })} ${operationText('pruned', dry)}`);
    }
  }
}
