// Which names a CustomResourceDefinition gets (controller/status/naming_controller.go): within a group nobody takes what
// another has.

import type { CustomResourceDefinition, CustomResourceDefinitionNames } from '../../api/generated/types.ts';
import { semanticEqual } from '../../api/meta.ts';
import { type ConditionSays, findCondition, isConditionTrue, withCondition } from './conditions.ts';

/** The definition with the names that it can have and the conditions that say so. The same one when nothing changes. */
export function calculateNames(
  crd: CustomResourceDefinition,
  all: readonly CustomResourceDefinition[],
  now: string,
): CustomResourceDefinition {
  const wanted = crd.spec.names;
  const accepted = crd.status?.acceptedNames;
  if (semanticEqual(wanted, accepted)) return crd;
  const { resources, kinds } = takenNames(crd.spec.group, all);
  let conflict: ConditionSays | null = null;
  const refuse = (reason: string, message: string): void => {
    conflict = { type: 'NamesAccepted', status: 'False', reason, message };
  };
  const choose = (field: 'plural' | 'singular' | 'kind' | 'listKind', taken: ReadonlySet<string>, reason: string): string => {
    const name = wanted[field] ?? '';
    const mine = accepted?.[field] ?? '';
    if (name === mine || !taken.has(name)) return name;
    refuse(reason, inUse(name));
    return mine;
  };
  const plural = choose('plural', resources, 'PluralConflict');
  const singular = choose('singular', resources, 'SingularConflict');
  let shortNames = accepted?.shortNames;
  if (!semanticEqual(wanted.shortNames, shortNames)) {
    const wrong = (wanted.shortNames ?? []).filter((name) => !shortNames?.includes(name) && resources.has(name)).map(inUse);
    if (wrong.length > 0) refuse('ShortNamesConflict', wrong.length === 1 ? (wrong[0] as string) : `[${wrong.join(', ')}]`);
    else shortNames = wanted.shortNames;
  }
  const kind = choose('kind', kinds, 'KindConflict');
  const listKind = choose('listKind', kinds, 'ListKindConflict');
  const { categories } = wanted;
  const acceptedNames: CustomResourceDefinitionNames = {
    ...(categories ? { categories } : {}),
    kind,
    ...(listKind === '' ? {} : { listKind }),
    plural,
    ...(shortNames ? { shortNames } : {}),
    ...(singular === '' ? {} : { singular }),
  };
  const names = conflict ?? { type: 'NamesAccepted', status: 'True', reason: 'NoConflicts', message: 'no conflicts found' };
  return withConditions(crd, acceptedNames, names, now);
}

function withConditions(
  crd: CustomResourceDefinition,
  acceptedNames: CustomResourceDefinitionNames,
  names: ConditionSays,
  now: string,
): CustomResourceDefinition {
  const named = withCondition(crd, names, now);
  if (named === crd && semanticEqual(acceptedNames, crd.status?.acceptedNames)) return crd;
  const changed: CustomResourceDefinition = { ...named, status: { ...named.status, acceptedNames } };
  if (isConditionTrue(changed, 'Established')) return changed;
  const type = 'Established';
  if (names.status === 'True') {
    return withCondition(changed, { type, status: 'False', reason: 'Installing', message: 'the initial names have been accepted' }, now);
  }
  if (findCondition(changed, type)) return changed;
  return withCondition(changed, { type, status: 'False', reason: 'NotAccepted', message: 'not all names are accepted' }, now);
}

const inUse = (name: string): string => `${JSON.stringify(name)} is already in use`;

function takenNames(group: string, all: readonly CustomResourceDefinition[]): { resources: Set<string>; kinds: Set<string> } {
  const resources = new Set<string>();
  const kinds = new Set<string>();
  for (const { spec, status } of all) {
    const names = status?.acceptedNames;
    if (spec.group !== group || !names) continue;
    for (const name of [names.plural, names.singular, ...(names.shortNames ?? [])]) if (name) resources.add(name);
    for (const name of [names.kind, names.listKind]) if (name) kinds.add(name);
  }
  return { resources, kinds };
}
