// The addresses behind a Service's port, from its EndpointSlices (internal/ingress/controller/endpointslices.go): only ready ones, each once.

import type { EndpointSlice, Service } from '../../api/generated/types.ts';

type ServicePort = NonNullable<Service['spec']['ports']>[number];

export function endpointsIn(slices: readonly EndpointSlice[], port: ServicePort): readonly { readonly address: string; readonly port: string }[] {
  const seen = new Map<string, { readonly address: string; readonly port: string }>();
  const fixed = typeof port.targetPort === 'number' ? port.targetPort : undefined;
  for (const slice of slices) {
    const ports = (slice.ports ?? []).length === 0 && fixed !== undefined ? [fixed] : (slice.ports ?? []).flatMap((p) => numberOf(p, port, fixed));
    for (const { addresses, conditions } of slice.endpoints ?? []) {
      if (conditions?.ready === false) continue;
      for (const number of ports) {
        for (const address of addresses) {
          const key = `${address}:${number}`;
          if (!seen.has(key)) seen.set(key, { address, port: String(number) });
        }
      }
    }
  }
  return [...seen.values()];
}

function numberOf(p: NonNullable<EndpointSlice['ports']>[number], { name = '' }: ServicePort, fixed: number | undefined): readonly number[] {
  if ((p.protocol ?? 'TCP') !== 'TCP') return [];
  const found = name === '' || name === (p.name ?? '') ? p.port : fixed;
  return found === undefined ? [] : [found];
}
