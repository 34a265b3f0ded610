// kube-controller-manager against the real etcd and API server rooms.

import { describe, expect, it } from 'vitest';
import type { Deployment, EndpointSlice, Event, Lease, Namespace, Node, Pod, ReplicaSet } from '../api/generated/types.ts';
import { ADDRESS, Testbed } from '../apiserver/testbed.ts';
import type { Process } from '../machine/process.ts';
import { MINUTE, SECOND } from '../sim/time.ts';
import { controllerManagerProgram } from './manager.ts';

class ManagerBed extends Testbed {
  startManager(): Process {
    const { files } = this.machine;
    files.write('/etc/kubernetes/manager.crt', this.certificate('system:kube-controller-manager', []));
    files.write(
      '/etc/kubernetes/controller-manager.conf',
      `{"current-context":"c","contexts":[{"name":"c","context":{"cluster":"k","user":"u"}}],
        "clusters":[{"name":"k","cluster":{"server":"https://${ADDRESS}:6443","certificate-authority":"/etc/kubernetes/pki/ca.crt"}}],
        "users":[{"name":"u","user":{"client-certificate":"/etc/kubernetes/manager.crt"}}]}`,
    );
    return this.spawnManager();
  }

  spawnManager(...more: readonly string[]): Process {
    return this.machine.spawn(controllerManagerProgram, {
      argv: [
        'kube-controller-manager',
        '--kubeconfig=/etc/kubernetes/controller-manager.conf',
        '--allocate-node-cidrs=true',
        '--cluster-cidr=10.244.0.0/16',
        '--controllers=*,bootstrapsigner,tokencleaner',
        '--root-ca-file=/etc/kubernetes/pki/ca.crt',
        '--use-service-account-credentials=true',
        ...more,
      ],
      logs: { write: (_, line) => this.log.push(`kcm: ${line}`) },
    });
  }

  advance(time: number): void {
    this.sim.runUntil(this.sim.now + time);
  }

  get<T>(path: string): T {
    return this.request('GET', path).body as T;
  }

  list<T>(path: string): readonly T[] {
    return (this.get<{ items: readonly T[] | null }>(path).items ?? []) as readonly T[];
  }

  /** What a kubelet would report. */
  pretendReady(pods: readonly Pod[]): void {
    for (const [i, pod] of pods.entries()) {
      const now = this.sim.time();
      const conditions = ['PodScheduled', 'Initialized', 'ContainersReady', 'Ready'].map((type) => ({ type, status: 'True', lastTransitionTime: now }));
      const podIP = `10.244.1.${i + 10}`;
      this.request('PUT', `/api/v1/namespaces/${pod.metadata.namespace}/pods/${pod.metadata.name}/status`, {
        ...pod,
        status: { phase: 'Running', podIP, podIPs: [{ ip: podIP }], conditions, startTime: now },
      });
    }
  }
}

const deployment = (replicas: number, image = 'nginx'): unknown => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'default' },
  spec: {
    replicas,
    selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image, ports: [{ containerPort: 80 }] }] } },
  },
});

function boot(): ManagerBed {
  const bed = new ManagerBed().boot();
  bed.startManager();
  bed.advance(10 * SECOND);
  return bed;
}

describe('kube-controller-manager', () => {
  it('gives each namespace its ServiceAccount and root certificate', () => {
    const bed = boot();
    expect(bed.request('GET', '/api/v1/namespaces/kube-system/serviceaccounts/default').status).toBe(200);
    expect(bed.request('GET', '/api/v1/namespaces/default/configmaps/kube-root-ca.crt').status).toBe(200);
    expect(bed.log.filter((line) => line.startsWith('kcm:') && line.includes('err='))).toEqual([]);
  });

  it('rolls out a Deployment, reports it, and cleans up behind it', () => {
    const bed = boot();
    expect(bed.request('POST', '/apis/apps/v1/namespaces/default/deployments', deployment(3)).status).toBe(201);
    bed.request('POST', '/api/v1/namespaces/default/services', {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web', namespace: 'default' },
      spec: { selector: { app: 'web' }, ports: [{ port: 80 }] },
    });
    bed.request('POST', '/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name: 'worker-1' } });
    bed.advance(2 * SECOND);
    const pods = bed.list<Pod>('/api/v1/namespaces/default/pods');
    expect(pods).toHaveLength(3);
    const [set] = bed.list<ReplicaSet>('/apis/apps/v1/namespaces/default/replicasets');
    expect(set?.metadata.annotations).toMatchObject({
      'deployment.kubernetes.io/revision': '1',
      'deployment.kubernetes.io/desired-replicas': '3',
      'deployment.kubernetes.io/max-replicas': '4',
    });
    for (const pod of pods) {
      expect(pod.metadata.name.startsWith(`${set?.metadata.name}-`)).toBe(true);
      const binding = { apiVersion: 'v1', kind: 'Binding', metadata: { name: pod.metadata.name }, target: { kind: 'Node', name: 'worker-1' } };
      expect(bed.request('POST', `/api/v1/namespaces/default/pods/${pod.metadata.name}/binding`, binding).status).toBe(201);
    }
    bed.pretendReady(bed.list<Pod>('/api/v1/namespaces/default/pods'));
    bed.advance(5 * SECOND);

    const d = bed.get<Deployment>('/apis/apps/v1/namespaces/default/deployments/web');
    expect(d.status).toMatchObject({ replicas: 3, readyReplicas: 3, availableReplicas: 3, updatedReplicas: 3, observedGeneration: 1 });
    expect(d.status.conditions?.map((c) => `${c.type}=${c.status} ${c.reason}: ${c.message}`)).toEqual([
      'Available=True MinimumReplicasAvailable: Deployment has minimum availability.',
      `Progressing=True NewReplicaSetAvailable: ReplicaSet "${set?.metadata.name}" has successfully progressed.`,
    ]);
    const slices = bed.list<EndpointSlice>('/apis/discovery.k8s.io/v1/namespaces/default/endpointslices').filter((s) => s.metadata.name !== 'kubernetes');
    expect(slices).toHaveLength(1);
    expect(slices[0]?.endpoints?.map((e) => e.conditions)).toEqual(Array(3).fill({ ready: true, serving: true, terminating: false }));
    const events = bed.list<Event>('/api/v1/namespaces/default/events').map((e) => `${e.reason}: ${e.message}`);
    expect(events).toContain(`ScalingReplicaSet: Scaled up replica set ${set?.metadata.name} from 0 to 3`);
    expect(events.filter((e) => e.startsWith('SuccessfulCreate: Created pod: '))).toHaveLength(3);

    bed.request('DELETE', '/apis/apps/v1/namespaces/default/deployments/web', { propagationPolicy: 'Background' });
    bed.advance(5 * SECOND);
    expect(bed.list('/apis/apps/v1/namespaces/default/replicasets')).toEqual([]);
    expect(bed.list<Pod>('/api/v1/namespaces/default/pods').every((pod) => pod.metadata.deletionTimestamp !== undefined)).toBe(true);
  });

  it('gives nodes a range of addresses and notices when they fall silent', () => {
    const bed = boot();
    const now = bed.sim.time();
    const ready = { type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'ok', lastHeartbeatTime: now, lastTransitionTime: now };
    for (const name of ['a', 'b']) {
      const made = bed.request('POST', '/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name } }).body as Node;
      bed.request('PUT', `/api/v1/nodes/${name}/status`, { ...made, status: { conditions: [ready] } });
    }
    bed.advance(10 * SECOND);
    const nodes = bed.list<Node>('/api/v1/nodes');
    expect(new Set(nodes.map((node) => node.spec.podCIDR))).toEqual(new Set(['10.244.0.0/24', '10.244.1.0/24']));
    expect(nodes.map((node) => node.spec.taints ?? [])).toEqual([[], []]);
    // All fall silent together, so the trouble may be on this side: none is tainted NoExecute.
    bed.advance(2 * MINUTE);
    const silent = bed.get<Node>('/api/v1/nodes/a');
    expect(silent.status.conditions?.[0]).toMatchObject({ type: 'Ready', status: 'Unknown', reason: 'NodeStatusUnknown', message: 'Kubelet stopped posting node status.' });
    expect(silent.spec.taints?.map((t) => `${t.key}:${t.effect}`)).toEqual(['node.kubernetes.io/unreachable:NoSchedule']);
  });

  it('empties a namespace before it lets it go', () => {
    const bed = boot();
    bed.request('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } });
    bed.advance(SECOND);
    bed.request('POST', '/api/v1/namespaces/shop/configmaps', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x' } });
    bed.request('DELETE', '/api/v1/namespaces/shop');
    expect(bed.get<Namespace>('/api/v1/namespaces/shop').status.phase).toBe('Terminating');
    bed.advance(20 * SECOND);
    expect(bed.request('GET', '/api/v1/namespaces/shop').status).toBe(404);
    expect(bed.request('GET', '/api/v1/namespaces/shop/configmaps/x').status).toBe(404);
  });

  it('knows custom resources: empties namespaces of them, collects what they own', () => {
    const bed = boot();
    const crd = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'tabs.example.com' },
      spec: {
        group: 'example.com',
        scope: 'Namespaced',
        names: { plural: 'tabs', kind: 'Tab' },
        versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
      },
    };
    expect(bed.request('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', crd).status).toBe(201);
    bed.request('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } });
    bed.advance(40 * SECOND);
    const tab = { apiVersion: 'example.com/v1', kind: 'Tab', metadata: { name: 'a' } };
    const { metadata } = bed.request('POST', '/apis/example.com/v1/namespaces/default/tabs', tab).body as { metadata: { uid: string } };
    const ownerReferences = [{ apiVersion: 'example.com/v1', kind: 'Tab', name: 'a', uid: metadata.uid }];
    bed.request('POST', '/api/v1/namespaces/default/configmaps', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'owned', ownerReferences } });
    bed.request('POST', '/apis/example.com/v1/namespaces/shop/tabs', { ...tab, metadata: { name: 'b' } });
    bed.advance(2 * SECOND);
    bed.request('DELETE', '/apis/example.com/v1/namespaces/default/tabs/a');
    bed.request('DELETE', '/api/v1/namespaces/shop');
    bed.advance(20 * SECOND);
    expect(bed.request('GET', '/api/v1/namespaces/default/configmaps/owned').status).toBe(404);
    expect(bed.request('GET', '/api/v1/namespaces/shop').status).toBe(404);
    expect(bed.list('/apis/example.com/v1/tabs')).toHaveLength(0);
  });

  it('puts a daemon on each node and replaces it when the template changes', () => {
    const bed = boot();
    for (const name of ['a', 'b']) bed.request('POST', '/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name } });
    const daemon = {
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata: { name: 'agent', namespace: 'default' },
      spec: {
        selector: { matchLabels: { app: 'agent' } },
        template: {
          metadata: { labels: { app: 'agent' } },
          spec: { containers: [{ name: 'agent', image: 'agent:1' }], tolerations: [{ operator: 'Exists' }] },
        },
      },
    };
    expect(bed.request('POST', '/apis/apps/v1/namespaces/default/daemonsets', daemon).status).toBe(201);
    bed.advance(2 * SECOND);
    const pods = bed.list<Pod>('/api/v1/namespaces/default/pods');
    const targets = pods.map((p) => p.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms[0]?.matchFields?.[0]?.values?.[0]);
    expect(new Set(targets)).toEqual(new Set(['a', 'b']));
    expect(bed.list('/apis/apps/v1/namespaces/default/controllerrevisions')).toHaveLength(1);
    bed.pretendReady(pods);
    bed.advance(SECOND);
    bed.request('PATCH', '/apis/apps/v1/namespaces/default/daemonsets/agent', { spec: { template: { spec: { containers: [{ name: 'agent', image: 'agent:2' }] } } } });
    bed.advance(2 * SECOND);
    const after = bed.list<Pod>('/api/v1/namespaces/default/pods').filter((p) => p.metadata.deletionTimestamp === undefined);
    expect(new Set(after.map((p) => p.spec.containers[0]?.image))).toEqual(new Set(['agent:1', 'agent:2']));
    expect(bed.list('/apis/apps/v1/namespaces/default/controllerrevisions')).toHaveLength(2);
  });

  it('lets another manager lead when the leader is gone, and not before', () => {
    const bed = new ManagerBed().boot();
    const first = bed.startManager();
    bed.advance(5 * SECOND);
    const holder = (): string => bed.get<Lease>('/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/kube-controller-manager').spec.holderIdentity ?? '';
    const leader = holder();
    bed.spawnManager('--secure-port=10258');
    bed.advance(30 * SECOND);
    expect(holder()).toBe(leader);
    first.kill('SIGKILL');
    bed.advance(14 * SECOND);
    expect(holder()).toBe(leader);
    bed.advance(10 * SECOND);
    expect(holder()).not.toBe(leader);
    const events = bed.list<Event>('/api/v1/namespaces/kube-system/events').filter((e) => e.reason === 'LeaderElection').map((e) => e.message);
    expect(events).toEqual([`${leader} became leader`, `${holder()} became leader`]);
  });

  it('goes on where it was when the API server has been away', () => {
    const bed = boot();
    bed.apiserver?.kill('SIGKILL');
    bed.advance(3 * SECOND);
    bed.startApiserver();
    bed.boot();
    expect(bed.request('POST', '/apis/apps/v1/namespaces/default/deployments', deployment(2)).status).toBe(201);
    bed.advance(40 * SECOND);
    expect(bed.list<Pod>('/api/v1/namespaces/default/pods')).toHaveLength(2);
  });

  it('frees the dependents of what is deleted with Orphan', () => {
    const bed = boot();
    bed.request('POST', '/apis/apps/v1/namespaces/default/deployments', deployment(1));
    bed.advance(2 * SECOND);
    bed.request('DELETE', '/apis/apps/v1/namespaces/default/deployments/web', { propagationPolicy: 'Orphan' });
    bed.advance(2 * SECOND);
    expect(bed.request('GET', '/apis/apps/v1/namespaces/default/deployments/web').status).toBe(404);
    const [set] = bed.list<ReplicaSet>('/apis/apps/v1/namespaces/default/replicasets');
    expect(set?.metadata.ownerReferences ?? []).toEqual([]);
    // A Deployment that selects it takes it over.
    bed.request('POST', '/apis/apps/v1/namespaces/default/deployments', deployment(1));
    bed.advance(2 * SECOND);
    const sets = bed.list<ReplicaSet>('/apis/apps/v1/namespaces/default/replicasets');
    expect(sets.map((s) => [s.metadata.uid, s.metadata.ownerReferences?.[0]?.kind])).toEqual([[set?.metadata.uid, 'Deployment']]);
  });
});
