// The IP families of a Service on a cluster of IPv4 alone: what is inferred and what is refused (initIPFamilyFields in
// pkg/registry/core/service/storage/alloc.go).

import type { Service, ServiceSpec } from '../../api/generated/types.ts';
import { type FieldError, invalid } from '../../api/status.ts';

type Family = 'IPv4' | 'IPv6';

const SERVICE = { group: '', kind: 'Service' } as const;
const CLUSTER: readonly Family[] = ['IPv4'];
const familyOf = (address: string): Family => (address.includes(':') ? 'IPv6' : 'IPv4');
const bad = (field: string, value: unknown, message: string): FieldError => ({ type: 'FieldValueInvalid', field, message: `Invalid value: ${JSON.stringify(value)}: ${message}` });

/** The spec with its policy and families; the old one of an update may give the policy. @throws ApiError 422 */
export function withFamilies(service: Service, spec: ServiceSpec, old: ServiceSpec | null): ServiceSpec {
  if (spec.type === 'ExternalName') return spec;
  const bare = spec.clusterIP === 'None' && Object.keys(spec.selector ?? {}).length === 0;
  const policy = spec.ipFamilyPolicy ?? old?.ipFamilyPolicy ?? (bare ? 'RequireDualStack' : 'SingleStack');
  const families = [...((spec.ipFamilies ?? []) as readonly Family[])];
  const addresses = spec.clusterIPs ?? (spec.clusterIP ? [spec.clusterIP] : []);
  const errors: FieldError[] = [];
  if (policy === 'SingleStack') {
    for (const [list, what] of [[addresses, 'cluster IPs'], [families, 'IP families']] as const) {
      if (list.length === 2) errors.push(bad('spec.ipFamilyPolicy', policy, `must be 'RequireDualStack' or 'PreferDualStack' when multiple ${what} are specified`));
    }
  }
  for (const [i, address] of addresses.entries()) {
    if (address === 'None') break;
    const family = familyOf(address);
    if (i < families.length) continue;
    if (CLUSTER.includes(family)) families.push(family);
    else errors.push(bad(`spec.clusterIPs[${i}]`, addresses, `${family} is not configured on this cluster`));
  }
  if (errors.length > 0) throw invalid(SERVICE, service.metadata.name, errors);
  if (bare) {
    // Whoever writes the endpoints of such a Service knows which families they have.
    if (families.length === 0) families.push('IPv4');
    if (families.length === 1 && policy !== 'SingleStack') families.push(families[0] === 'IPv4' ? 'IPv6' : 'IPv4');
    return { ...spec, ipFamilies: families, ipFamilyPolicy: policy };
  }
  if (policy === 'RequireDualStack') errors.push(bad('spec.ipFamilyPolicy', policy, 'this cluster is not configured for dual-stack services'));
  for (const [i, family] of families.entries()) if (!CLUSTER.includes(family)) errors.push(bad(`spec.ipFamilies[${i}]`, family, 'not configured on this cluster'));
  if (errors.length > 0) throw invalid(SERVICE, service.metadata.name, errors);
  return { ...spec, ipFamilies: families.length === 0 ? ['IPv4'] : families, ipFamilyPolicy: policy };
}
