// Role based access control: which binding and rule let a user do something (plugin/pkg/auth/authorizer/rbac).
// Bindings are found by their subjects, decisions are remembered until a role or a binding changes.

import type { ClusterRole, PolicyRule, RoleBinding, Subject } from '../../api/generated/types.ts';
import type { Cacher } from '../storage/cacher.ts';
import type { User } from '../request.ts';

/** What somebody wants to do. `namespace` '' = cluster scope. */
export interface Attributes {
  readonly user: User;
  readonly verb: string;
  readonly isResource: boolean;
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  readonly path: string;
}

/** Why it is allowed: the binding and role that decided. */
export interface Grant {
  /** As the audit annotation authorization.k8s.io/reason says it. */
  readonly reason: string;
  readonly binding: string;
  readonly role: string;
}

type Binding = Pick<RoleBinding, 'metadata' | 'roleRef' | 'subjects' | 'kind'>;

export interface RbacSources {
  readonly roles: Cacher;
  readonly roleBindings: Cacher;
  readonly clusterRoles: Cacher;
  readonly clusterRoleBindings: Cacher;
}

const MAX_REMEMBERED = 20_000;

/** A rule that covers a request but for the object's name, which `names` may restrict. */
interface Candidate {
  readonly names: readonly string[] | null;
  readonly grant: Grant;
}

export class Rbac {
  readonly #from: RbacSources;
  /** Cluster-wide bindings, and those of each namespace, by subject. */
  readonly #cluster = new Map<string, Binding[]>();
  readonly #namespaced = new Map<string, Map<string, Binding[]>>();
  /** What the rules say, in their order, to each user and each kind of request that has been asked about. */
  readonly #decisions = new Map<string, readonly Candidate[]>();
  readonly #grants = new Map<Binding, Map<string, Grant>>();

  constructor(from: RbacSources) {
    this.#from = from;
    from.clusterRoleBindings.objects.walk('', null, (b) => this.changed(from.clusterRoleBindings, null, b));
    from.roleBindings.objects.walk('', null, (b) => this.changed(from.roleBindings, null, b));
  }

  /** To be told of every change in the watch cache. */
  changed(cacher: Cacher, before: object | null, after: object | null): void {
    if (cacher === this.#from.roles || cacher === this.#from.clusterRoles) this.#decisions.clear();
    else if (cacher === this.#from.clusterRoleBindings || cacher === this.#from.roleBindings) {
      this.#decisions.clear();
      this.#grants.clear();
      if (before) this.#drop(before as Binding);
      if (after) this.#add(after as Binding);
    }
  }

  /** The grant, or null when nothing allows it. */
  authorize(a: Attributes): Grant | null {
    const { user } = a;
    if (user.groups.includes('system:masters')) return MASTERS;
    const what = a.isResource ? `${a.group}/${a.resource}/${a.subresource}\n${a.namespace}` : a.path;
    const key = `${user.name}\n${user.groups.join()}\n${a.verb}\n${what}`;
    let candidates = this.#decisions.get(key);
    if (candidates === undefined) {
      candidates = this.#candidates(a);
      if (this.#decisions.size >= MAX_REMEMBERED) this.#decisions.clear();
      this.#decisions.set(key, candidates);
    }
    for (const { names, grant } of candidates) if (names === null || names.includes(a.name)) return grant;
    return null;
  }

  /** Every rule that applies to the user in a namespace, for SelfSubjectRulesReview. */
  *rulesOf(user: User, namespace: string): Iterable<PolicyRule> {
    for (const [, rule] of this.#rules(user, namespace)) yield rule;
  }

  /** Up to the first that any name satisfies: nothing after it is ever asked. */
  #candidates(a: Attributes): readonly Candidate[] {
    const found: Candidate[] = [];
    for (const [binding, rule, subject] of this.#rules(a.user, a.namespace)) {
      if (!ruleCovers(rule, a)) continue;
      const names = a.isResource && rule.resourceNames && rule.resourceNames.length > 0 ? rule.resourceNames : null;
      found.push({ names, grant: this.#grant(binding, subject) });
      if (names === null) break;
    }
    return found;
  }

  #grant(binding: Binding, subject: string): Grant {
    let grants = this.#grants.get(binding);
    if (!grants) {
      grants = new Map();
      this.#grants.set(binding, grants);
    }
    let grant = grants.get(subject);
    if (!grant) {
      grant = grantOf(binding, subject);
      grants.set(subject, grant);
    }
    return grant;
  }

  *#rules(user: User, namespace: string): Iterable<[Binding, PolicyRule, string]> {
    const mine = [`User ${user.name}`, ...user.groups.map((g) => `Group ${g}`)];
    for (const index of [this.#cluster, namespace === '' ? undefined : this.#namespaced.get(namespace)]) {
      if (!index) continue;
      for (const subject of mine) {
        for (const binding of index.get(subject) ?? []) {
          for (const rule of this.#rulesOfRole(binding)) yield [binding, rule, subject];
        }
      }
    }
  }

  #rulesOfRole(binding: Binding): readonly PolicyRule[] {
    const { kind, name } = binding.roleRef;
    const key = kind === 'ClusterRole' ? name : `${binding.metadata.namespace}/${name}`;
    const role = (kind === 'ClusterRole' ? this.#from.clusterRoles : this.#from.roles).get(key) as ClusterRole | undefined;
    return role?.rules ?? [];
  }

  #indexFor(binding: Binding): Map<string, Binding[]> {
    const namespace = binding.metadata.namespace;
    if (!namespace) return this.#cluster;
    let index = this.#namespaced.get(namespace);
    if (!index) {
      index = new Map();
      this.#namespaced.set(namespace, index);
    }
    return index;
  }

  #add(binding: Binding): void {
    const index = this.#indexFor(binding);
    for (const subject of binding.subjects ?? []) {
      const key = subjectKey(subject, binding);
      const list = index.get(key);
      if (list) list.push(binding);
      else index.set(key, [binding]);
    }
  }

  #drop(binding: Binding): void {
    const index = this.#indexFor(binding);
    const { name } = binding.metadata;
    for (const subject of binding.subjects ?? []) {
      const key = subjectKey(subject, binding);
      const rest = (index.get(key) ?? []).filter((b) => b.metadata.name !== name);
      if (rest.length === 0) index.delete(key);
      else index.set(key, rest);
    }
  }
}

const MASTERS: Grant = Object.freeze({ reason: 'group system:masters may do everything', binding: '', role: '' });

function subjectKey(subject: Subject, binding: Binding): string {
  if (subject.kind === 'ServiceAccount') {
    return `User system:serviceaccount:${subject.namespace || binding.metadata.namespace || ''}:${subject.name}`;
  }
  return `${subject.kind} ${subject.name}`;
}

function grantOf(binding: Binding, subject: string): Grant {
  const { name, namespace } = binding.metadata;
  const full = namespace ? `${name}/${namespace}` : name;
  const role = `${binding.roleRef.kind} ${JSON.stringify(binding.roleRef.name)}`;
  const [kind, who] = [subject.slice(0, subject.indexOf(' ')), subject.slice(subject.indexOf(' ') + 1)];
  return {
    reason: `RBAC: allowed by ${namespace ? 'RoleBinding' : 'ClusterRoleBinding'} ${JSON.stringify(full)} of ${role} to ${kind} ${JSON.stringify(who)}`,
    binding: full,
    role: binding.roleRef.name,
  };
}

/** Whether one rule covers the attributes, whatever the object's name. */
function ruleCovers(rule: PolicyRule, a: Attributes): boolean {
  if (!has(rule.verbs, a.verb)) return false;
  if (!a.isResource) return (rule.nonResourceURLs ?? []).some((url) => urlMatches(url, a.path));
  if (!has(rule.apiGroups, a.group)) return false;
  const resources = rule.resources;
  if (!resources) return false;
  const full = a.subresource === '' ? a.resource : `${a.resource}/${a.subresource}`;
  return resources.includes('*') || resources.includes(full) || (a.subresource !== '' && resources.includes(`*/${a.subresource}`));
}

const has = (list: readonly string[] | undefined, value: string): boolean =>
  list !== undefined && (list.includes(value) || list.includes('*'));

const urlMatches = (pattern: string, path: string): boolean =>
  pattern === '*' || pattern === path || (pattern.endsWith('*') && path.startsWith(pattern.slice(0, -1)));
