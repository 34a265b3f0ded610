// The scale subresource of a custom resource (registry/customresource/etcd.go): replicas at the paths that its definition names.

import type { CustomScale } from '../../api/custom.ts';
import type { Scale } from '../../api/generated/types.ts';
import type { ApiObject } from '../../api/meta.ts';
import { makeScale } from '../../api/scale.ts';
import { badRequest } from '../../api/status.ts';
import { type Plain, splitPath, valueAt, withValueAt } from './schema.ts';

export function customScaleOf(object: ApiObject, paths: CustomScale): Scale {
  const selector = paths.labelSelectorPath === '' ? undefined : valueAt(object, splitPath(paths.labelSelectorPath));
  const status = { replicas: numberAt(object, paths.statusReplicasPath), ...(typeof selector === 'string' ? { selector } : {}) };
  return makeScale(object.metadata, numberAt(object, paths.specReplicasPath), status);
}

function numberAt(object: ApiObject, path: string): number {
  const value = valueAt(object, splitPath(path));
  return typeof value === 'number' ? value : 0;
}

/** The object with the replicas that the Scale asks for. @throws ApiError 400 when it asks for none and there are none */
export function withCustomScale<T extends ApiObject>(object: T, scale: Scale, paths: CustomScale): T {
  const path = splitPath(paths.specReplicasPath);
  const replicas = scale.spec?.replicas;
  const before = valueAt(object, path);
  if (replicas === undefined && before === undefined)
    throw badRequest(`the spec replicas field "${paths.specReplicasPath}" cannot be empty`);
  if (before === (replicas ?? 0)) return object;
  return withValueAt(object as unknown as Plain, path, replicas ?? 0) as unknown as T;
}
