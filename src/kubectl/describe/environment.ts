// The environment of containers: values, where values come from, and what fields of the Pod stand for
// (kubectl/pkg/describe describeContainerEnvVars, EnvValueRetriever; kubectl/pkg/util/resource).

import type { Container, EnvFromSource, EnvVar, Pod, ResourceFieldSelector } from '../../cluster/api/generated/types.ts';
import { quantityMilli, quantityValue } from '../../cluster/api/quantity.ts';
import type { Writer } from './writer.ts';

export type FieldReader = (path: string) => string;

type Holder = Pick<Container, 'env' | 'resources'>;

export function environment(w: Writer, container: Holder, field: FieldReader | undefined): void {
  const list = container.env ?? [];
  w.write(2, `Environment:${list.length === 0 ? '\t<none>' : ''}\n`);
  for (const one of list) variable(w, one, container, field);
}

function variable(w: Writer, { name, value = '', valueFrom }: EnvVar, container: Holder, field: FieldReader | undefined): void {
  if (!valueFrom) {
    for (const [i, line] of value.split('\n').entries()) w.write(3, i === 0 ? `${name}:\t${line}\n` : `\t${line}\n`);
    return;
  }
  const { fieldRef, resourceFieldRef, secretKeyRef, configMapKeyRef } = valueFrom;
  if (fieldRef) w.write(3, `${name}:\t${field?.(fieldRef.fieldPath) ?? ''} (${fieldRef.apiVersion ?? ''}:${fieldRef.fieldPath})\n`);
  else if (resourceFieldRef) {
    const amount = resourceValue(resourceFieldRef, container);
    const { resource } = resourceFieldRef;
    const unlimited = amount === '0' && (resource === 'limits.cpu' || resource === 'limits.memory');
    w.write(3, `${name}:\t${unlimited ? 'node allocatable' : amount} (${resource})\n`);
  } else if (secretKeyRef) {
    w.write(3, `${name}:\t<set to the key '${secretKeyRef.key}' in secret '${secretKeyRef.name ?? ''}'>\tOptional: ${secretKeyRef.optional ?? false}\n`);
  } else if (configMapKeyRef) {
    w.write(3, `${name}:\t<set to the key '${configMapKeyRef.key}' of config map '${configMapKeyRef.name ?? ''}'>\tOptional: ${configMapKeyRef.optional ?? false}\n`);
  }
}

export function environmentFrom(w: Writer, sources: readonly EnvFromSource[]): void {
  w.write(2, 'Environment Variables from:\n');
  for (const { configMapRef, secretRef, prefix } of sources) {
    const from = configMapRef ?? secretRef;
    const kind = configMapRef ? 'ConfigMap' : secretRef ? 'Secret' : '';
    w.write(3, `${from?.name ?? ''}\t${kind}${prefix ? ` with prefix '${prefix}'` : ''}\tOptional: ${from?.optional ?? false}\n`);
  }
}

/** The share of a container, in units of the divisor, rounded up; '' for what is not known. */
function resourceValue({ resource, divisor = '0' }: ResourceFieldSelector, { resources }: Holder): string {
  const m = /^(limits|requests)\.(cpu|memory|ephemeral-storage|hugepages-.*)$/.exec(resource);
  if (!m) return '';
  const amount = resources?.[m[1] as 'limits' | 'requests']?.[m[2] as string];
  const unit = divisor === '0' ? '1' : divisor;
  return String(m[2] === 'cpu' ? Math.ceil(quantityMilli(amount) / quantityMilli(unit)) : Math.ceil(quantityValue(amount) / quantityValue(unit)));
}

/** What kubectl itself knows of a Pod's fields; the others stay empty. */
export const fieldReader =
  ({ metadata }: Pod): FieldReader =>
  (path) =>
    path === 'metadata.name' ? metadata.name : path === 'metadata.namespace' ? (metadata.namespace ?? '') : '';
