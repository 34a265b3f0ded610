// kubectl auth: can-i, whoami, reconcile (kubectl/pkg/cmd/auth).

import { ApiError } from '../../cluster/api/status.ts';
import type { Op } from '../../cluster/sim/simulation.ts';
import type { Command } from '../command.ts';
import type { Context } from '../context.ts';
import { flag, type Flags } from '../flag-set.ts';
import { dryRunFlag, filenameFlags, printFlags } from '../global-flags.ts';
import { dryRunOf, operationText } from '../mutation.ts';
import { CommandError, throwAll } from '../print/error.ts';
import { type Printer, printerOf } from '../print/printer.ts';
import { TabWriter } from '../print/tabwriter.ts';
import { filesOf, find, type Info } from '../resource/builder.ts';
import type { LiveObject } from '../rest.ts';
import { CAN_I } from './can-i.ts';
import { type Rule, ruleFields, uncovered } from './rules.ts';

interface SelfReview {
  readonly status?: { readonly userInfo?: { readonly username?: string; readonly uid?: string; readonly groups?: readonly string[]; readonly extra?: Readonly<Record<string, readonly string[]>> } };
}

/** As a typed client reads it: an empty name is none. */
function tidy(review: LiveObject): LiveObject {
  const { name, ...metadata } = review.metadata ?? {};
  return name ? review : { ...review, metadata };
}

function* whoAmI(context: Context, flags: Flags): Op<void> {
  let review: SelfReview;
  const print = printerOf(context, flags, '', [], true);
  try {
    const body = { kind: 'SelfSubjectReview', apiVersion: 'authentication.k8s.io/v1', metadata: {} };
    review = (yield* context.rest.raw('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', { body })).body as SelfReview;
  } catch (error) {
    if (error instanceof ApiError && error.reason === 'Forbidden') throw new CommandError('the selfsubjectreviews API is not enabled in the cluster or you do not have permission to call it');
    if (error instanceof ApiError && error.reason === 'NotFound') throw new CommandError('the selfsubjectreviews API is not enabled in the cluster');
    throw error;
  }
  if (print) return print({ object: tidy(review as LiveObject) });
  const { username, uid, groups = [], extra = {} } = review.status?.userInfo ?? {};
  const tabs = new TabWriter((text) => context.write(text));
  tabs.write('ATTRIBUTE\tVALUE\n');
  if (username) tabs.write(`Username\t${username}\n`);
  if (uid) tabs.write(`UID\t${uid}\n`);
  if (groups.length > 0) tabs.write(`Groups\t[${groups.join(' ')}]\n`);
  for (const key of Object.keys(extra).sort()) tabs.write(`Extra: ${key}\t[${(extra[key] ?? []).join(' ')}]\n`);
  tabs.flush();
}

interface Rbac extends LiveObject {
  readonly rules?: readonly Rule[];
  readonly subjects?: readonly object[];
  readonly roleRef?: object;
}

const sameJson = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** As Go's %+v shows a subject. */
const subjectFields = (subject: object): string => {
  const { kind = '', apiGroup = '', name = '', namespace = '' } = subject as Readonly<Record<string, string>>;
  return `{Kind:${kind} APIGroup:${apiGroup} Name:${name} Namespace:${namespace}}`;
};

interface Difference {
  readonly next: Rbac;
  readonly recreate: boolean;
  readonly missing: readonly string[];
  readonly extra: readonly string[];
  readonly what: 'rules' | 'subjects';
}

function difference(live: Rbac | undefined, wanted: Rbac, flags: Flags): Difference {
  if (wanted.roleRef === undefined) {
    const missing = live === undefined ? (wanted.rules ?? []) : uncovered(live.rules ?? [], wanted.rules ?? []);
    const extra = uncovered(wanted.rules ?? [], live?.rules ?? []);
    const rules = flags.is('remove-extra-permissions') && extra.length > 0 ? wanted.rules : [...(live?.rules ?? []), ...missing];
    return { next: { ...(live ?? wanted), rules: live ? rules ?? [] : wanted.rules ?? [] }, recreate: false, missing: missing.map(ruleFields), extra: extra.map(ruleFields), what: 'rules' };
  }
  const has = (list: readonly object[] | undefined, subject: object): boolean => (list ?? []).some((s) => sameJson(s, subject));
  const missing = (wanted.subjects ?? []).filter((s) => !has(live?.subjects, s));
  const extra = (live?.subjects ?? []).filter((s) => !has(wanted.subjects, s));
  const subjects = flags.is('remove-extra-subjects') && extra.length > 0 ? wanted.subjects : [...(live?.subjects ?? []), ...missing];
  const recreate = live !== undefined && !sameJson(live.roleRef, wanted.roleRef);
  return { next: { ...(live && !recreate ? live : wanted), subjects: live ? subjects ?? [] : wanted.subjects ?? [] }, recreate, missing: missing.map(subjectFields), extra: extra.map(subjectFields), what: 'subjects' };
}

function* reconcile(context: Context, flags: Flags): Op<void> {
  if (flags.args.length > 0) throw new CommandError('no arguments are allowed');
  if (flags.list('filename').length === 0 && flags.text('kustomize') === '') throw new CommandError('must specify one of -f and -k');
  const dry = dryRunOf(context, flags);
  const { infos, errors } = yield* find(context, { ...filesOf(flags), local: true });
  throwAll(errors);
  const print = printerOf(context, flags, operationText('reconciled', dry)) as Printer;
  for (const info of infos) {
    if (info.mapping.group !== 'rbac.authorization.k8s.io') {
      context.klog(`reconcile.go:227] skipping resource.Info: ${info.mapping.kind}`, 'W');
      continue;
    }
    // As the files have it: nothing is put into the namespace of the command line.
    const target = { ...info, namespace: info.object.metadata?.namespace ?? '' };
    yield* reconcileOne(context, flags, target, dry !== 'client', print, dry === 'server' ? { dryRun: 'All' } : {});
  }
}

function* reconcileOne(context: Context, flags: Flags, info: Info, write: boolean, print: Printer, query: Readonly<Record<string, string>>): Op<void> {
  const live = (yield* context.rest.find(info)) as Rbac | undefined;
  const { next, recreate, missing, extra, what } = difference(live, info.object as Rbac, flags);
  const removing = flags.is(what === 'rules' ? 'remove-extra-permissions' : 'remove-extra-subjects') && extra.length > 0;
  const changed = live === undefined || recreate || missing.length > 0 || removing;
  let object: LiveObject = next;
  if (write && changed) {
    if (live === undefined && info.mapping.namespaced && info.namespace === '') throw new CommandError('resource name may not be empty');
    if (recreate) yield* context.rest.delete(info);
    object = live === undefined || recreate ? yield* context.rest.create(info, next, query) : yield* context.rest.replace(info, next, query);
  }
  print({ object: { ...object, apiVersion: info.mapping.apiVersion, kind: info.mapping.kind } });
  if (!changed) return;
  context.printError(`\treconciliation required ${live === undefined ? 'create' : recreate ? 'recreate' : 'update'}`);
  if (missing.length > 0) context.printError(`\tmissing ${what} added:`);
  for (const one of missing) context.printError(`\t\t${one}`);
  if (removing) context.printError(`\textra ${what} removed:`);
  if (removing) for (const one of extra) context.printError(`\t\t${one}`);
}

export const AUTH: Command = {
  name: 'auth',
  group: 'Troubleshooting and Debugging Commands:',
  use: 'auth [flags]',
  short: 'Inspect authorization',
  long: 'Inspect authorization.',
  flags: [],
  subcommands: [
    CAN_I,
    {
      name: 'reconcile',
      use: 'reconcile -f FILENAME',
      short: 'Reconciles rules for RBAC role, role binding, cluster role, and cluster role binding objects',
      flags: [...printFlags(), ...filenameFlags('to reconcile.'), dryRunFlag, flag.bool('remove-extra-permissions', 'Remove permissions that the file does not have.'), flag.bool('remove-extra-subjects', 'Remove subjects that the file does not have.')],
      run: reconcile,
    },
    { name: 'whoami', use: 'whoami', short: 'Experimental: Check self subject attributes', flags: printFlags(), run: whoAmI },
  ],
};
