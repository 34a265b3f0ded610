// kubectl create rolebinding and clusterrolebinding (kubectl/pkg/cmd/create/create_{rolebinding,clusterrolebinding}.go).

import { flag, type Flags, type FlagSet } from '../flag-set.ts';
import { CommandError } from '../print/error.ts';
import { generatorCommand, type Json } from './generator.ts';

const GROUP = 'rbac.authorization.k8s.io';

const subjectFlags = (role: string): FlagSet => [
  flag.array('group', `A group to bind to the ${role}; repeat it for several.`),
  flag.array('serviceaccount', `A service account to bind to the ${role}, NAMESPACE:NAME; repeat it for several.`),
  flag.array('user', `A user to bind to the ${role}; repeat it for several.`),
];

function subjectsOf(flags: Flags): { readonly subjects?: readonly Json[] } {
  const subjects: Json[] = [
    ...flags.list('user').map((name) => ({ kind: 'User', apiGroup: GROUP, name })),
    ...flags.list('group').map((name) => ({ kind: 'Group', apiGroup: GROUP, name })),
    ...flags.list('serviceaccount').map((text) => {
      const [namespace, name, ...more] = text.split(':');
      if (!namespace || !name || more.length > 0) throw new CommandError('serviceaccount must be <namespace>:<name>');
      return { kind: 'ServiceAccount', name, namespace };
    }),
  ];
  return subjects.length > 0 ? { subjects } : {};
}

const roleRef = (kind: string, name: string): Json => ({ apiGroup: GROUP, kind, name });

export const CREATE_ROLE_BINDING = generatorCommand({
  name: 'rolebinding',
  use: 'rolebinding NAME --clusterrole=NAME|--role=NAME [--user=username] [--group=groupname] [--serviceaccount=namespace:serviceaccountname] [--dry-run=server|client|none]',
  short: 'Create a role binding for a particular role or cluster role',
  examples: '# A role for two users and a group\nkubectl create rolebinding admins --clusterrole=admin --user=jane --user=joe --group=ops\n\n# A role for a service account\nkubectl create rolebinding reader --role=pod-reader --serviceaccount=default:web',
  flags: [flag.string('clusterrole', 'The cluster role to bind.'), flag.string('role', 'The role to bind.'), ...subjectFlags('role')],
  failed: 'failed to create rolebinding: ',
  make(_context, flags, name) {
    const [role, clusterRole] = [flags.text('role'), flags.text('clusterrole')];
    if (name === '') throw new CommandError('name must be specified');
    if ((role === '') === (clusterRole === '')) throw new CommandError('exactly one of clusterrole or role must be specified');
    return {
      apiVersion: `${GROUP}/v1`,
      kind: 'RoleBinding',
      metadata: { name },
      ...subjectsOf(flags),
      roleRef: role === '' ? roleRef('ClusterRole', clusterRole) : roleRef('Role', role),
    };
  },
});

export const CREATE_CLUSTER_ROLE_BINDING = generatorCommand({
  name: 'clusterrolebinding',
  use: 'clusterrolebinding NAME --clusterrole=NAME [--user=username] [--group=groupname] [--serviceaccount=namespace:serviceaccountname] [--dry-run=server|client|none]',
  short: 'Create a cluster role binding for a particular cluster role',
  examples: '# A cluster role for two users and a group\nkubectl create clusterrolebinding admins --clusterrole=cluster-admin --user=jane --user=joe --group=ops',
  flags: [flag.string('clusterrole', 'The cluster role to bind.', { required: true }), ...subjectFlags('clusterrole')],
  clusterScoped: true,
  failed: 'failed to create clusterrolebinding: ',
  make: (_context, flags, name) => ({
    apiVersion: `${GROUP}/v1`,
    kind: 'ClusterRoleBinding',
    metadata: { name },
    ...subjectsOf(flags),
    roleRef: roleRef('ClusterRole', flags.text('clusterrole')),
  }),
});
