// kubectl set subject: more subjects for role bindings (kubectl/pkg/cmd/set/set_subject.go).

import { jsonEqual } from '../../cluster/api/meta.ts';
import type { Op } from '../../cluster/sim/simulation.ts';
import type { Command } from '../command.ts';
import { completeResources } from '../completion/resources.ts';
import type { Context } from '../context.ts';
import { flag, type Flags } from '../flag-set.ts';
import { selectorFlag } from '../global-flags.ts';
import { dryRunOf } from '../mutation.ts';
import { CommandError } from '../print/error.ts';
import type { Info } from '../resource/builder.ts';
import type { LiveObject } from '../rest.ts';
import { changesOf, forbidLocalOnServer, objectsOf, sendChanges, setFlags } from './changes.ts';

const GROUP = 'rbac.authorization.k8s.io';

interface Subject {
  readonly kind: string;
  readonly apiGroup?: string;
  readonly name: string;
  readonly namespace?: string;
}

export const SET_SUBJECT: Command = {
  name: 'subject',
  use: 'subject (-f FILENAME | TYPE NAME) [--user=username] [--group=groupname] [--serviceaccount=namespace:serviceaccountname] [--dry-run=server|client|none]',
  short: 'Update the user, group, or service account in a role binding or cluster role binding',
  long: 'Add users, groups or service accounts to role bindings and cluster role bindings.',
  examples: '# A service account for a cluster role binding\nkubectl set subject clusterrolebinding admins --serviceaccount=default:web\n\n# Two users and a group for a role binding\nkubectl set subject rolebinding admins --user=jane --user=joe --group=ops',
  flags: [
    ...setFlags('subjects'),
    selectorFlag,
    flag.array('group', 'A group to add.'),
    flag.array('serviceaccount', 'A service account to add, NAMESPACE:NAME.'),
    flag.array('user', 'A user to add.'),
  ],
  complete: completeResources,
  run: setSubject,
};

function check(context: Context, flags: Flags, infos: readonly Info[]): void {
  forbidLocalOnServer(context, flags);
  const accounts = flags.list('serviceaccount');
  if (flags.is('all') && flags.text('selector') !== '') throw new CommandError('cannot set --all and --selector at the same time');
  if (flags.list('user').length + flags.list('group').length + accounts.length === 0) throw new CommandError('you must specify at least one value of user, group or serviceaccount');
  for (const account of accounts) {
    const [namespace, name, ...more] = account.split(':');
    if (!name || more.length > 0) throw new CommandError('serviceaccount must be <namespace>:<name>');
    if (namespace === '' && infos.some(({ object }) => object.kind === 'ClusterRoleBinding')) {
      throw new CommandError('serviceaccount must be <namespace>:<name>, namespace must be specified');
    }
  }
}

function subjectsOf(context: Context, flags: Flags): readonly Subject[] {
  const given = (name: string): string[] => [...new Set(flags.list(name))].sort();
  return [
    ...given('user').map((name) => ({ kind: 'User', apiGroup: GROUP, name })),
    ...given('group').map((name) => ({ kind: 'Group', apiGroup: GROUP, name })),
    ...given('serviceaccount').map((text) => {
      const [namespace, name = ''] = text.split(':');
      return { kind: 'ServiceAccount', name, namespace: namespace || context.namespace };
    }),
  ];
}

function* setSubject(context: Context, flags: Flags): Op<void> {
  dryRunOf(context, flags);
  const infos = yield* objectsOf(context, flags, flags.args);
  check(context, flags, infos);
  const subjects = subjectsOf(context, flags);
  const changes = changesOf(infos, (object) => {
    if (object.kind !== 'RoleBinding' && object.kind !== 'ClusterRoleBinding') throw new CommandError('setting subjects is only supported for RoleBinding/ClusterRoleBinding');
    const { subjects: existing = [] } = object as LiveObject & { readonly subjects?: readonly Subject[] };
    const added = subjects.filter((subject) => !existing.some((e) => jsonEqual(e, subject)));
    return added.length === 0 ? null : ({ ...object, subjects: [...existing, ...added] } as LiveObject);
  });
  yield* sendChanges(context, flags, changes, { operation: 'subjects updated', failed: 'failed to patch subjects to rolebinding: ' });
}
