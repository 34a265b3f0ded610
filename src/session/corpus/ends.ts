// Runs rounds of the corpus in one cluster: applies them side by side, lets time pass and reads how each workload ended.

import type { Event } from '../../cluster/api/generated/types.ts';
import { kindOf, mustResource } from '../../cluster/api/kinds.ts';
import type { ApiObject } from '../../cluster/api/meta.ts';
import { ApiError } from '../../cluster/api/status.ts';
import { diskCsiManifest } from '../../cluster/addons/disk-csi/manifest.ts';
import { Cluster } from '../../cluster/bootstrap/cluster.ts';
import { bootUntilReady, finish, runOnOperator } from '../../cluster/bootstrap/operator.ts';
import { OPERATOR_KUBECONFIG } from '../../cluster/bootstrap/provision.ts';
import { Client } from '../../cluster/client/client.ts';
import { loadKubeconfig } from '../../cluster/client/kubeconfig.ts';
import type { Os, Program } from '../../cluster/machine/process.ts';
import type { Op } from '../../cluster/sim/simulation.ts';
import { MINUTE } from '../../cluster/sim/time.ts';
import { readText } from '../../kubectl/resource/files.ts';
import { tools } from '../tools.ts';
import { outcomeOf, type Outcome, type Snapshot } from './outcome.ts';
import type { CorpusObject, Expectation, Round } from './workloads.ts';

const GIB = 1024 ** 3;
const READ = ['pods', 'replicationcontrollers', 'deployments.apps', 'replicasets.apps', 'statefulsets.apps', 'daemonsets.apps', 'jobs.batch', 'cronjobs.batch'] as const;

export interface Result extends Expectation {
  readonly outcome: Outcome;
}

/** A cluster to which `rounds` were applied, so many minutes ago; and what the API server did not take. */
export function clusterWith(rounds: readonly Round[], workers: number, minutes: number): { readonly cluster: Cluster; readonly rejected: ReadonlyMap<string, string> } {
  const cluster = new Cluster({ controlPlanes: 1, workers, seed: 1, cpus: 4, memoryBytes: 16 * GIB });
  tools.stockImages(cluster.images);
  if (!bootUntilReady(cluster, 10 * MINUTE)) throw new Error('the cluster did not become ready');
  const rejected = new Map<string, string>();
  // The corpus supposes a default StorageClass.
  perform(cluster, function* (client) {
    for (const read of readText(diskCsiManifest, 'disk-csi.yaml', false)) if (!('error' in read)) yield* create(client, read.object as unknown as CorpusObject);
  });
  cluster.sim.runUntil(cluster.sim.now + MINUTE);
  perform(cluster, function* (client) {
    for (const round of rounds) {
      for (const object of round.objects) {
        const problem = yield* create(client, object);
        if (problem !== null) rejected.set(keyOf(object), problem);
        if (object.kind === 'CronJob' && problem === null) yield* trigger(client, object);
      }
    }
  });
  cluster.sim.runUntil(cluster.sim.now + minutes * MINUTE);
  return { cluster, rejected };
}

/** Ends of all workloads of `rounds`, after `minutes` of virtual time. */
export function endsOf(rounds: readonly Round[], workers: number, minutes: number): readonly Result[] {
  const { cluster, rejected } = clusterWith(rounds, workers, minutes);
  const objects: ApiObject[] = [];
  let events: readonly Event[] = [];
  perform(cluster, function* (client) {
    for (const resource of READ) {
      const { kind } = mustResource(resource);
      for (const item of (yield* client.list(resource, '')).items) objects.push({ ...(item as ApiObject), kind });
    }
    events = (yield* client.list('events', '')).items as readonly Event[];
  });
  const snapshot: Snapshot = { objects, events };
  return rounds.flatMap((round) =>
    round.expected.map((row) => {
      const object = round.objects.find((o) => o.kind === row.kind && (o.metadata.name ?? '') === row.name);
      const namespace = object?.metadata.namespace ?? '';
      return { ...row, outcome: outcomeOf(snapshot, row.kind, namespace, row.name, object && rejected.get(keyOf(object))) };
    }),
  );
}

const keyOf = (object: CorpusObject): string => `${object.kind}/${object.metadata.namespace ?? ''}/${object.metadata.name ?? ''}`;

/** Runs `body` on the operator's machine, to its end. */
export function perform(cluster: Cluster, body: (client: Client) => Op<void>): void {
  const program: Program = function* (os: Os): Op<void> {
    yield* body(new Client(os, { ...loadKubeconfig(os, OPERATOR_KUBECONFIG), userAgent: 'kubectl/v1.36.0' }));
  };
  const command = runOnOperator(cluster, program, ['kubectl', 'apply']);
  const exit = finish(cluster, command, 30 * MINUTE);
  if (exit?.code !== 0) throw new Error(command.stderr.join('\n'));
}

/** What the API server said against it, or null. Kinds that the server does not have are skipped. */
function* create(client: Client, object: CorpusObject): Op<string | null> {
  const kind = kindOf(object.apiVersion, object.kind);
  if (kind === undefined) return `no matches for kind "${object.kind}" in version "${object.apiVersion}"`;
  const slash = object.apiVersion.includes('/') ? `/apis/${object.apiVersion}` : `/api/${object.apiVersion}`;
  const namespace = kind.namespaced ? `/namespaces/${object.metadata.namespace ?? 'default'}` : '';
  try {
    yield* client.raw({ method: 'POST', path: `${slash}${namespace}/${kind.plural}`, query: { fieldValidation: 'Ignore' }, headers: { 'content-type': 'application/json' }, body: object, verb: 'create' });
    return null;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return error.status.reason === 'AlreadyExists' ? null : error.message;
  }
}

/** A first Job at once, as `kubectl create job --from=cronjob/…` makes it. */
function* trigger(client: Client, cron: CorpusObject): Op<void> {
  const live = (yield* client.get('cronjobs.batch', cron.metadata.namespace ?? 'default', cron.metadata.name ?? '')) as unknown as {
    readonly metadata: { readonly name: string; readonly uid: string; readonly namespace: string };
    readonly spec: { readonly jobTemplate: { readonly spec: unknown; readonly metadata?: object } };
  };
  const owner = { apiVersion: 'batch/v1', kind: 'CronJob', name: live.metadata.name, uid: live.metadata.uid };
  yield* create(client, {
    apiVersion: 'batch/v1', kind: 'Job', spec: live.spec.jobTemplate.spec,
    metadata: { ...live.spec.jobTemplate.metadata, name: `${live.metadata.name}-now`, namespace: live.metadata.namespace, ownerReferences: [owner] },
  });
}
