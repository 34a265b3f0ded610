// How the tables of the bootstrap policy are written: a rule is a line "verbs | groups | resources | names" (core is the group '',
// read and write are verbs), a rule about paths "verbs | /path,/path". Lists come out sorted, as upstream's rule builder sorts them.

import type { PolicyRule } from '../../api/generated/types.ts';

const VERBS: Readonly<Record<string, readonly string[]>> = {
  read: ['get', 'list', 'watch'],
  write: ['create', 'update', 'patch', 'delete', 'deletecollection'],
};

const sorted = (text: string): string[] =>
  text
    .split(',')
    .map((part) => part.trim())
    .sort();

/** Also allowed to whoever reports what happens. */
export const EVENTS = 'create,update,patch | core,events.k8s.io | events';

export function rule(line: string): PolicyRule {
  const [verbs = '', groups = '', resources = '', names = ''] = line.split('|').map((part) => part.trim());
  const allVerbs = [...new Set(verbs.split(',').flatMap((verb) => VERBS[verb] ?? [verb]))].sort();
  if (groups.startsWith('/') || (groups === '*' && resources === '')) return { verbs: allVerbs, nonResourceURLs: sorted(groups) };
  return {
    verbs: allVerbs,
    apiGroups: sorted(groups)
      .map((group) => (group === 'core' ? '' : group))
      .sort(),
    resources: sorted(resources),
    ...(names === '' ? {} : { resourceNames: sorted(names) }),
  };
}
