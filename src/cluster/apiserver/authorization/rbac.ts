// Role based access control: which binding and rule let a user do something (plugin/pkg/auth/authorizer/rbac).
// Bindings are found by their subjects, decisions are remembered until a role or a binding changes.

import type { ClusterRole, PolicyRule, RoleBinding, Subject } from '../../api/generated/types.ts';
import type { User } from '../request.ts';
import type { Cacher } from '../storage/cacher.ts';
import { type Attributes, type Decision, type Grant, NO_OPINION, noOpinion } from './attributes.ts';
import { ruleCovers } from './rules.ts';

type Binding = Pick<RoleBinding, 'metadata' | 'roleRef' | 'subjects' | 'kind'>;

export interface RbacSources {
  readonly roles: Cacher;
  readonly roleBindings: Cacher;
  readonly clusterRoles: Cacher;
  readonly clusterRoleBindings: Cacher;
}

const MAX_REMEMBERED = 1_024;
const MAX_USERS = 2_048;

/** A rule that covers a request but for the object's name, which `names` may restrict. */
interface Candidate {
  readonly names: readonly string[] | null;
  readonly grant: Grant;
}

type BoundRule = readonly [binding: Binding, rule: PolicyRule, subject: string];

interface Known {
  readonly rules: Map<string, readonly BoundRule[]>;
  readonly decisions: Map<string, readonly Candidate[]>;
}

export class Rbac {
  readonly #from: RbacSources;
  /** Cluster-wide bindings, and those of each namespace, by subject. */
  readonly #cluster = new Map<string, Binding[]>();
  readonly #namespaced = new Map<string, Map<string, Binding[]>>();
  /** By user: his rules, by namespace, and what they say in their order to each kind of request that has been asked about. */
  readonly #known = new Map<User, Known>();
  readonly #grants = new Map<Binding, Map<string, Grant>>();

  constructor(from: RbacSources) {
    this.#from = from;
    from.clusterRoleBindings.objects.walk('', null, (b) => this.changed(from.clusterRoleBindings, null, b));
    from.roleBindings.objects.walk('', null, (b) => this.changed(from.roleBindings, null, b));
  }

  /** To be told of every change in the watch cache. */
  changed(cacher: Cacher, before: object | null, after: object | null): void {
    if (cacher === this.#from.roles || cacher === this.#from.clusterRoles) this.#known.clear();
    else if (cacher === this.#from.clusterRoleBindings || cacher === this.#from.roleBindings) {
      this.#known.clear();
      this.#grants.clear();
      if (before) this.#drop(before as Binding);
      if (after) this.#add(after as Binding);
    }
  }

  /** The grant, or no opinion and why the bindings could not all be read. */
  decide(a: Attributes): Decision {
    const grant = this.authorize(a);
    if (grant) return grant;
    const missing = this.missingRoles(a.user, a.namespace);
    return missing === '' ? NO_OPINION : noOpinion(`RBAC: ${missing}`);
  }

  /** The grant, or null when nothing allows it. */
  authorize(a: Attributes): Grant | null {
    const known = this.#knownOf(a.user);
    // Where no binding is, it is as at the cluster scope.
    const where = a.namespace === '' || !this.#namespaced.has(a.namespace) ? '' : a.namespace;
    const key = a.isResource ? `${a.verb} ${a.resource}/${a.subresource} ${where} ${a.group}` : `${a.verb} ${a.path}`;
    let candidates = known.decisions.get(key);
    if (candidates === undefined) {
      candidates = this.#candidates(a, known, where);
      if (known.decisions.size >= MAX_REMEMBERED) known.decisions.clear();
      known.decisions.set(key, candidates);
    }
    for (const { names, grant } of candidates) if (names === null || names.includes(a.name)) return grant;
    return null;
  }

  /** The roles of the user's bindings that do not exist, as an error says it; '' when there are all. */
  missingRoles(user: User, namespace: string): string {
    const missing = new Set<string>();
    for (const [binding] of this.#bindings(user, namespace)) {
      if (!this.role(binding)) missing.add(`${binding.roleRef.kind.toLowerCase()}.rbac.authorization.k8s.io ${JSON.stringify(binding.roleRef.name)} not found`);
    }
    const texts = [...missing];
    return texts.length < 2 ? (texts[0] ?? '') : `[${texts.join(', ')}]`;
  }

  /** The role that a binding names; undefined when there is none. */
  role({ roleRef, metadata }: Pick<Binding, 'roleRef' | 'metadata'>): ClusterRole | undefined {
    if (roleRef.kind === 'ClusterRole') return this.#from.clusterRoles.get(roleRef.name) as ClusterRole | undefined;
    return this.#from.roles.get(`${metadata.namespace}/${roleRef.name}`) as ClusterRole | undefined;
  }

  /** Every rule that applies to the user in a namespace, for SelfSubjectRulesReview. */
  *rulesOf(user: User, namespace: string): Iterable<PolicyRule> {
    for (const [, rule] of this.#rules(user, namespace)) yield rule;
  }

  /** Up to the first that any name satisfies: nothing after it is ever asked. */
  #candidates(a: Attributes, known: Known, where: string): readonly Candidate[] {
    let rules = known.rules.get(where);
    if (!rules) {
      rules = [...this.#rules(a.user, where)];
      known.rules.set(where, rules);
    }
    const found: Candidate[] = [];
    for (const [binding, rule, subject] of rules) {
      if (!ruleCovers(rule, a)) continue;
      const names = a.isResource && rule.resourceNames && rule.resourceNames.length > 0 ? rule.resourceNames : null;
      found.push({ names, grant: this.#grant(binding, subject) });
      if (names === null) break;
    }
    return found;
  }

  #knownOf(user: User): Known {
    let known = this.#known.get(user);
    if (!known) {
      if (this.#known.size >= MAX_USERS) this.#known.clear();
      known = { rules: new Map(), decisions: new Map() };
      this.#known.set(user, known);
    }
    return known;
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

  *#rules(user: User, namespace: string): Iterable<BoundRule> {
    for (const [binding, subject] of this.#bindings(user, namespace)) {
      for (const rule of this.role(binding)?.rules ?? []) yield [binding, rule, subject];
    }
  }

  *#bindings(user: User, namespace: string): Iterable<[Binding, string]> {
    const mine = [`User ${user.name}`, ...user.groups.map((g) => `Group ${g}`)];
    for (const index of [this.#cluster, namespace === '' ? undefined : this.#namespaced.get(namespace)]) {
      if (!index) continue;
      for (const subject of mine) for (const binding of index.get(subject) ?? []) yield [binding, subject];
    }
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
  const kind = namespace ? 'RoleBinding' : 'ClusterRoleBinding';
  const to = binding.subjects?.find((s) => subjectKey(s, binding) === subject);
  return Object.freeze({
    allowed: true,
    reason: `RBAC: allowed by ${kind} ${JSON.stringify(full)} of ${role} to ${to ? describeSubject(to, namespace ?? '') : subject}`,
    binding: full,
    role: binding.roleRef.name,
  });
}

function describeSubject({ kind, name, namespace }: Subject, bindingNamespace: string): string {
  return `${kind} ${JSON.stringify(kind === 'ServiceAccount' ? `${name}/${namespace || bindingNamespace}` : name)}`;
}
