// Priority: a Pod's priority class becomes its number; a PriorityClass that is the global default must be the only one.

import type { Pod, PriorityClass } from '../../api/generated/types.ts';
import { forbidden } from '../../api/status.ts';
import type { Unsaved } from '../storage/store.ts';
import type { AdmissionPlugin, AdmissionRequest } from './chain.ts';
import { refusedEarly } from './refusal.ts';

const KEY = 'priorityclasses.scheduling.k8s.io';

export const priority: AdmissionPlugin = {
  name: 'Priority',
  resources: ['pods', KEY],

  handles: ({ kind, operation, subresource }) =>
    subresource === '' && ((kind.key === 'pods' && operation === 'CREATE') || (kind.key === KEY && operation !== 'DELETE')),

  admit(request, object) {
    if (request.kind.key !== 'pods') return object;
    const { spec } = object as unknown as Pod;
    const named = spec?.priorityClassName;
    const found = named ? classNamed(request, named) : globalDefault(request);
    if (named && !found) throw refusedEarly(request, `no PriorityClass with name ${named} was found`);
    const value = found?.value ?? 0;
    if (spec?.priority !== undefined && spec.priority !== value) {
      const why = `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`;
      throw refusedEarly(request, why);
    }
    const policy = found?.preemptionPolicy ?? 'PreemptLowerPriority';
    if (spec?.preemptionPolicy !== undefined && spec.preemptionPolicy !== policy) {
      const why = `the string value of PreemptionPolicy (${spec.preemptionPolicy}) must not be provided in pod spec; priority admission controller computed ${policy} from the given PriorityClass name`;
      throw refusedEarly(request, why);
    }
    const className = found ? { priorityClassName: found.metadata.name } : {};
    return { ...object, spec: { ...spec, ...className, priority: value, preemptionPolicy: policy } } as Unsaved;
  },

  validate(request) {
    const own = request.object as unknown as PriorityClass | null;
    if (request.kind.key !== KEY || !own?.globalDefault) return;
    const other = globalDefault(request);
    if (!other || other.metadata.name === own.metadata.name) return;
    throw forbidden(
      request.kind,
      own.metadata.name,
      `PriorityClass ${other.metadata.name} is already marked as default. Only one default can exist`,
    );
  },
};

const classNamed = ({ server }: AdmissionRequest, name: string): PriorityClass | undefined =>
  server.store.cache.ofKey(KEY).get(name) as unknown as PriorityClass | undefined;

/** The default with the lowest value, should there be several after a race. */
function globalDefault({ server }: AdmissionRequest): PriorityClass | undefined {
  let found: PriorityClass | undefined;
  server.store.cache.ofKey(KEY).objects.walk('', null, (object) => {
    const candidate = object as unknown as PriorityClass;
    if (candidate.globalDefault && (!found || (candidate.value ?? 0) < (found.value ?? 0))) found = candidate;
  });
  return found;
}
