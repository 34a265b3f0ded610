// Does a toleration tolerate a taint (upstream component-helpers/scheduling/corev1)?

import type { Taint, Toleration } from '../../api/generated/types.ts';

export function toleratesTaint(toleration: Toleration, taint: Taint): boolean {
  if (toleration.effect && toleration.effect !== taint.effect) return false;
  if (toleration.key && toleration.key !== taint.key) return false;
  switch (toleration.operator ?? '') {
    case '':
    case 'Equal':
      return (toleration.value ?? '') === (taint.value ?? '');
    case 'Exists':
      return true;
    case 'Gt':
    case 'Lt':
      return comparesTo(toleration, taint);
    default:
      return false;
  }
}

const INTEGER = /^-?(0|[1-9]\d*)$/;

/** KEP-5471, extended toleration operators: the taint's value against the toleration's. */
function comparesTo(toleration: Toleration, taint: Taint): boolean {
  const [have, bound] = [taint.value ?? '', toleration.value ?? ''];
  if (!INTEGER.test(have) || !INTEGER.test(bound)) return false;
  return toleration.operator === 'Gt' ? Number(have) > Number(bound) : Number(have) < Number(bound);
}

export function tolerates(tolerations: readonly Toleration[], taint: Taint): boolean {
  for (const toleration of tolerations) if (toleratesTaint(toleration, taint)) return true;
  return false;
}

/** The first taint that keeps the Pod off: NoSchedule or NoExecute, not tolerated. */
export function untolerated(taints: readonly Taint[], tolerations: readonly Toleration[]): Taint | undefined {
  for (const taint of taints) {
    if (taint.effect === 'PreferNoSchedule') continue;
    if (!tolerates(tolerations, taint)) return taint;
  }
  return undefined;
}
