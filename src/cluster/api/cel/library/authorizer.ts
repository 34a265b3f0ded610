// The authorizer library: what the requester may do (apiserver/pkg/cel/library/authz.go). The API server puts its authorizer behind it.

import type { Environment } from '@marcbachmann/cel-js';
import { AUTHORIZER, CelAuthorizer, RESOURCE_CHECK, ResourceCheck } from '../authorizer.ts';
import { SYNC } from './lists.ts';

class PathCheck extends CelAuthorizer {}
class GroupCheck extends CelAuthorizer {}

class Decision {
  readonly reason: string | null;

  constructor(reason: string | null) {
    this.reason = reason;
  }
}

export function registerAuthorizer(env: Environment): void {
  const [A, P, G, R, D] = [
    AUTHORIZER,
    'kubernetes.authorization.PathCheck',
    'kubernetes.authorization.GroupCheck',
    RESOURCE_CHECK,
    'kubernetes.authorization.Decision',
  ];
  env.registerType(A, { ctor: CelAuthorizer, fields: { requestResource: R } });
  env.registerType(P, PathCheck).registerType(G, GroupCheck).registerType(R, ResourceCheck).registerType(D, Decision);
  const add = (signature: string, handler: (...args: never[]) => unknown): void => void env.registerFunction(signature, handler, SYNC);
  add(`${A}.path(string): ${P}`, (a: CelAuthorizer, path: string) => new PathCheck(a.authorize, { ...a.question, path }));
  add(`${A}.group(string): ${G}`, (a: CelAuthorizer, group: string) => new GroupCheck(a.authorize, { ...a.question, group }));
  add(
    `${A}.serviceAccount(string, string): ${A}`,
    (a: CelAuthorizer, namespace: string, name: string) => new CelAuthorizer(a.authorize, { ...a.question, user: { namespace, name } }),
  );
  add(`${G}.resource(string): ${R}`, (a: CelAuthorizer, resource: string) => new ResourceCheck(a.authorize, { ...a.question, resource }));
  for (const field of ['subresource', 'namespace', 'name'] as const) {
    add(
      `${R}.${field}(string): ${R}`,
      (a: CelAuthorizer, value: string) => new ResourceCheck(a.authorize, { ...a.question, [field]: value }),
    );
  }
  for (const type of [P, R])
    add(`${type}.check(string): ${D}`, (a: CelAuthorizer, verb: string) => new Decision(a.authorize({ ...a.question, verb })));
  add(`${D}.allowed(): bool`, (d: Decision) => d.reason !== null);
  add(`${D}.reason(): string`, (d: Decision) => d.reason ?? '');
  add(`${D}.errored(): bool`, () => false);
  add(`${D}.error(): string`, () => '');
}
