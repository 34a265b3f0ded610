// Shorthand for the RBAC objects that kubeadm creates.

import type { Manifest } from '../manifest.ts';

export interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}

export type RbacSubject =
  | { readonly kind: 'User' | 'Group'; readonly name: string }
  | { readonly kind: 'ServiceAccount'; readonly name: string; readonly namespace: string };

const GROUP = 'rbac.authorization.k8s.io';
const API_VERSION = `${GROUP}/v1`;

const subjectOf = (subject: RbacSubject): object => (subject.kind === 'ServiceAccount' ? subject : { apiGroup: GROUP, ...subject });

export const clusterRole = (name: string, rules: readonly Rule[], labels?: Readonly<Record<string, string>>): Manifest =>
  ({ apiVersion: API_VERSION, kind: 'ClusterRole', metadata: { name, ...(labels ? { labels } : {}) }, rules }) as Manifest;

export const role = (namespace: string, name: string, rules: readonly Rule[]): Manifest =>
  ({ apiVersion: API_VERSION, kind: 'Role', metadata: { name, namespace }, rules }) as Manifest;

export const clusterRoleBinding = (
  name: string,
  roleName: string,
  subjects: readonly RbacSubject[],
  labels?: Readonly<Record<string, string>>,
): Manifest =>
  ({
    apiVersion: API_VERSION,
    kind: 'ClusterRoleBinding',
    metadata: { name, ...(labels ? { labels } : {}) },
    roleRef: { apiGroup: GROUP, kind: 'ClusterRole', name: roleName },
    subjects: subjects.map(subjectOf),
  }) as Manifest;

export const roleBinding = (namespace: string, name: string, roleName: string, subjects: readonly RbacSubject[]): Manifest =>
  ({
    apiVersion: API_VERSION,
    kind: 'RoleBinding',
    metadata: { name, namespace },
    roleRef: { apiGroup: GROUP, kind: 'Role', name: roleName },
    subjects: subjects.map(subjectOf),
  }) as Manifest;

export const serviceAccount = (namespace: string, name: string, labels?: Readonly<Record<string, string>>): Manifest => ({
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  metadata: { name, namespace, ...(labels ? { labels } : {}) } as Manifest['metadata'] & object,
});

export const configMap = (
  namespace: string,
  name: string,
  data: Readonly<Record<string, string>>,
  labels?: Readonly<Record<string, string>>,
): Manifest => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace, ...(labels ? { labels } : {}) }, data }) as Manifest;
