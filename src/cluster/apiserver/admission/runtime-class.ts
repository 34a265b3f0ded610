// RuntimeClass: a Pod of a class gets its overhead, and goes where nodes have it.

import type { Pod, RuntimeClass, Toleration } from '../../api/generated/types.ts';
import { jsonEqual } from '../../api/meta.ts';
import { sameLists } from '../../api/quota/lists.ts';
import type { Unsaved } from '../storage/store.ts';
import type { AdmissionPlugin, AdmissionRequest } from './chain.ts';
import { refused, refusedEarly } from './refusal.ts';

type Resources = Readonly<Record<string, string>>;

export const runtimeClass: AdmissionPlugin = {
  name: 'RuntimeClass',
  resources: ['pods'],

  handles({ operation, subresource, object }) {
    if (operation !== 'CREATE' || subresource !== '') return false;
    const { spec } = object as unknown as Pod;
    return Boolean(spec?.runtimeClassName) || spec?.overhead !== undefined;
  },

  admit(request, object) {
    const found = classOf(request);
    if (!found) return object;
    return withScheduling(request, withOverhead(request, object, found), found);
  },

  validate(request) {
    const { overhead } = (request.object as unknown as Pod).spec;
    const wanted = overheadOf(classOf(request));
    if (overhead && !wanted) throw refused(request, 'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead');
  },
};

const overheadOf = (found: RuntimeClass | undefined): Resources | undefined => found?.overhead?.podFixed as Resources | undefined;

function classOf(request: AdmissionRequest): RuntimeClass | undefined {
  const name = (request.object as unknown as Pod).spec.runtimeClassName;
  if (!name) return undefined;
  const found = request.server.store.cache.ofKey('runtimeclasses.node.k8s.io').get(name) as unknown as RuntimeClass | undefined;
  if (!found) throw refusedEarly(request, `pod rejected: RuntimeClass ${JSON.stringify(name)} not found`);
  return found;
}

function withOverhead(request: AdmissionRequest, object: Unsaved, found: RuntimeClass): Unsaved {
  const { spec } = object as unknown as Pod;
  const wanted = overheadOf(found);
  if (!wanted) return object;
  if (!spec.overhead) return { ...object, spec: { ...spec, overhead: wanted } } as Unsaved;
  if (sameLists(spec.overhead, wanted)) return object;
  throw refusedEarly(request, "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead");
}

function withScheduling(request: AdmissionRequest, object: Unsaved, { scheduling }: RuntimeClass): Unsaved {
  if (!scheduling) return object;
  const { spec } = object as unknown as Pod;
  const wanted = (scheduling.nodeSelector ?? {}) as Resources;
  const has = (spec.nodeSelector ?? {}) as Resources;
  for (const key in wanted) {
    if (key in has && has[key] !== wanted[key]) {
      throw refusedEarly(
        request,
        `conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${wanted[key]}; pod.spec.nodeSelector[${key}] = ${has[key]}`,
      );
    }
  }
  const given = spec.tolerations ?? [];
  const added = ((scheduling.tolerations ?? []) as readonly Toleration[]).filter((t) => !given.some((own) => jsonEqual(own, t)));
  const nodeSelector = { ...has, ...wanted };
  return {
    ...object,
    spec: {
      ...spec,
      ...(Object.keys(nodeSelector).length > 0 ? { nodeSelector } : {}),
      ...(added.length > 0 ? { tolerations: [...given, ...added] } : {}),
    },
  } as Unsaved;
}
