// Which labels of its Node a kubelet may set: none of node-restriction.kubernetes.io, and of kubernetes.io and k8s.io only
// those that it is known to set (kubelet/apis/well_known_labels.go).

type Labels = Readonly<Record<string, string>> | undefined;

const OWN = new Set([
  'kubernetes.io/hostname',
  'kubernetes.io/os',
  'kubernetes.io/arch',
  'kubernetes.io/instance-type',
  'node.kubernetes.io/instance-type',
  'topology.kubernetes.io/zone',
  'topology.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region',
  'beta.kubernetes.io/instance-type',
  'beta.kubernetes.io/os',
  'beta.kubernetes.io/arch',
]);

const isIn = (namespace: string, domain: string): boolean => namespace === domain || namespace.endsWith(`.${domain}`);

function isForbidden(label: string): boolean {
  const slash = label.indexOf('/');
  const namespace = slash < 0 ? '' : label.slice(0, slash);
  if (isIn(namespace, 'node-restriction.kubernetes.io')) return true;
  if (!isIn(namespace, 'kubernetes.io') && !isIn(namespace, 'k8s.io')) return false;
  return !OWN.has(label) && !isIn(namespace, 'kubelet.kubernetes.io') && !isIn(namespace, 'node.kubernetes.io');
}

/** Labels that differ and are none of the kubelet's business, sorted. */
export function modifiedLabels(now: Labels = {}, before: Labels = {}): readonly string[] {
  const changed = new Set<string>();
  for (const key in now) if (now[key] !== before[key]) changed.add(key);
  for (const key in before) if (!(key in now)) changed.add(key);
  return [...changed].filter(isForbidden).sort();
}
