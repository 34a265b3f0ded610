// How admission refuses: 403 with the object's name, or with what its name will begin with while it has none (admission.NewForbidden).

import { type ApiError, forbidden } from '../../api/status.ts';
import type { AdmissionRequest } from './chain.ts';

/** For plug-ins that change objects: a name that is to be generated is not there yet. */
export function refusedEarly({ kind, name, operation, object }: AdmissionRequest, why: string): ApiError {
  const base = operation === 'CREATE' ? object?.metadata.generateName : undefined;
  return forbidden(kind, base && name.startsWith(base) && name.length === base.length + 5 ? base : name, why);
}

/** For plug-ins that look at the final object. */
export function refused({ kind, name }: AdmissionRequest, why: string): ApiError {
  return forbidden(kind, name, why);
}
