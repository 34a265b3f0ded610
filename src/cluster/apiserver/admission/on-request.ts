// Plug-ins that are off unless --enable-admission-plugins names them and are small: AlwaysPullImages, NamespaceAutoProvision,
// NamespaceExists, DenyServiceExternalIPs, ExtendedResourceToleration, LimitPodHardAntiAffinityTopology, AlwaysDeny.

import type { Container, Pod, PodSpec, Service, Toleration } from '../../api/generated/types.ts';
import { applyDefaults } from '../../api/defaults.ts';
import { mustResource } from '../../api/kinds.ts';
import type { ApiObject } from '../../api/meta.ts';
import { isAlreadyExists, notFound } from '../../api/status.ts';
import { prepareForCreate } from '../../api/strategy.ts';
import type { Op } from '../../sim/simulation.ts';
import { beginLife } from '../registry/names.ts';
import type { Unsaved } from '../storage/store.ts';
import type { AdmissionPlugin, AdmissionRequest } from './chain.ts';
import { refused } from './refusal.ts';

const isNewPod = ({ operation, subresource }: AdmissionRequest): boolean => operation === 'CREATE' && subresource === '';

const withSpec = (object: Unsaved, spec: PodSpec): Unsaved => ({ ...object, spec }) as unknown as Unsaved;

const alwaysPullImages: AdmissionPlugin = {
  name: 'AlwaysPullImages',
  resources: ['pods'],
  handles: ({ operation, subresource }) => subresource === '' && operation !== 'DELETE',
  admit(_, object) {
    const { spec } = object as unknown as Pod;
    const always = <C extends Container>(list: readonly C[]): readonly C[] => list.map((c) => ({ ...c, imagePullPolicy: 'Always' }));
    const initContainers = spec.initContainers && always(spec.initContainers);
    return withSpec(object, { ...spec, containers: always(spec.containers), ...(initContainers ? { initContainers } : {}) });
  },
};

const isInMissingNamespace = ({ namespace, kind, server, operation }: AdmissionRequest): boolean =>
  namespace !== '' && kind.namespaced && operation === 'CREATE' && !server.store.cache.ofKey('namespaces').get(namespace);

const namespaceAutoProvision: AdmissionPlugin = {
  name: 'NamespaceAutoProvision',
  handles: (request) => !request.x.dryRun && isInMissingNamespace(request),
  prepare: (request) => provide(request),
};

function* provide({ server, namespace }: AdmissionRequest): Op<void> {
  const kind = mustResource('namespaces');
  const labels = { 'kubernetes.io/metadata.name': namespace };
  const given = {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: namespace, labels },
    spec: {},
    status: {},
  } as unknown as ApiObject;
  const object = prepareForCreate(kind, beginLife(applyDefaults(kind, given), server.uids.uuid(), server.sim.time()));
  try {
    const made = yield* server.store.create({ kind, namespace: '', name: namespace }, object);
    yield* server.store.cache.waitFor(Number(made.metadata.resourceVersion));
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
}

const namespaceExists: AdmissionPlugin = {
  name: 'NamespaceExists',
  handles: isInMissingNamespace,
  prepare({ namespace }) {
    throw notFound(mustResource('namespaces'), namespace);
  },
};

const denyServiceExternalIps: AdmissionPlugin = {
  name: 'DenyServiceExternalIPs',
  resources: ['services'],
  handles: ({ operation, subresource }) => operation !== 'DELETE' && subresource === '',
  validate(request) {
    const ips = (object: Unsaved | null): readonly string[] => (object as unknown as Service | null)?.spec.externalIPs ?? [];
    const before = ips(request.old);
    if (ips(request.object).some((ip) => !before.includes(ip)))
      throw refused(request, 'Use of external IPs is denied by admission control');
  },
};

const isExtended = (name: string): boolean => name.includes('/') && !name.includes('kubernetes.io/');

const extendedResourceToleration: AdmissionPlugin = {
  name: 'ExtendedResourceToleration',
  resources: ['pods'],
  handles: isNewPod,
  admit(_, object) {
    const { spec } = object as unknown as Pod;
    const names = [...spec.containers, ...(spec.initContainers ?? [])].flatMap((c) => Object.keys(c.resources?.requests ?? {}));
    const given = spec.tolerations ?? [];
    const added: Toleration[] = [...new Set(names.filter(isExtended))]
      .sort()
      .filter((key) => !given.some((t) => t.key === key && t.operator === 'Exists'))
      .map((key) => ({ key, operator: 'Exists' }));
    return added.length === 0 ? object : withSpec(object, { ...spec, tolerations: [...given, ...added] });
  },
};

const HOSTNAME = 'kubernetes.io/hostname';

const limitPodHardAntiAffinityTopology: AdmissionPlugin = {
  name: 'LimitPodHardAntiAffinityTopology',
  resources: ['pods'],
  handles: ({ operation, subresource }) => subresource === '' && operation !== 'DELETE',
  validate(request) {
    const { affinity } = (request.object as unknown as Pod).spec;
    for (const { topologyKey } of affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []) {
      if (topologyKey === HOSTNAME) continue;
      throw refused(
        request,
        `affinity.PodAntiAffinity.RequiredDuringScheduling has TopologyKey ${topologyKey} but only key ${HOSTNAME} is allowed`,
      );
    }
  },
};

const alwaysDeny: AdmissionPlugin = {
  name: 'AlwaysDeny',
  handles: () => true,
  validate(request) {
    throw refused(request, 'admission control is denying all modifications');
  },
};

export const ON_REQUEST = {
  alwaysPullImages,
  namespaceAutoProvision,
  namespaceExists,
  denyServiceExternalIps,
  extendedResourceToleration,
  limitPodHardAntiAffinityTopology,
  alwaysDeny,
} as const;
