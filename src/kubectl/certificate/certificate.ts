// kubectl certificate approve and deny (kubectl/pkg/cmd/certificates).

import { formatTime } from '../../cluster/sim/time.ts';
import { ApiError } from '../../cluster/api/status.ts';
import type { Op } from '../../cluster/sim/simulation.ts';
import type { Command } from '../command.ts';
import { completeNames } from '../completion/resources.ts';
import type { Context } from '../context.ts';
import { flag, type Flags } from '../flag-set.ts';
import { filenameFlags, printFlags } from '../global-flags.ts';
import { helpText } from '../help.ts';
import { CommandError, throwAll } from '../print/error.ts';
import { printerOf } from '../print/printer.ts';
import { filesOf, find, type Info } from '../resource/builder.ts';
import type { LiveObject } from '../rest.ts';
import { findCommand } from '../tree.ts';

const CONFLICTS = 10;

interface Request extends LiveObject {
  readonly status?: { readonly conditions?: readonly { readonly type: string }[] };
}

interface Decision {
  readonly type: 'Approved' | 'Denied';
  readonly other: 'Approved' | 'Denied';
  readonly reason: string;
  readonly message: string;
}

function decide(verb: 'approve' | 'deny', done: string, decision: Decision, long: string): Command {
  return {
    name: verb,
    use: `${verb} (-f FILENAME | NAME)`,
    short: `${verb === 'approve' ? 'Approve' : 'Deny'} a certificate signing request`,
    long,
    examples: `kubectl certificate ${verb} csr-sqgzp`,
    flags: [...printFlags(), ...filenameFlags('that name the requests.'), flag.bool('force', `Write the request even if it is ${done} already.`)],
    complete: (context, _flags, toComplete) => completeNames(context, 'certificatesigningrequests', toComplete),
    run: (context, flags) => run(context, flags, done, decision),
  };
}

function* run(context: Context, flags: Flags, done: string, decision: Decision): Op<void> {
  const files = filesOf(flags);
  if (flags.args.length === 0 && (files.filenames?.length ?? 0) === 0 && !files.kustomize) throw new CommandError('one or more CSRs must be specified as <name> or -f <filename>');
  const print = printerOf(context, flags, done);
  const { infos, errors } = yield* find(context, { args: flags.args.length === 0 ? [] : ['certificatesigningrequests', ...flags.args], ...files, latest: true });
  const failed: unknown[] = [...errors];
  let found = 0;
  for (const info of infos) {
    try {
      yield* change(context, info, flags.is('force'), decision);
      found++;
      print?.({ object: info.object });
    } catch (error) {
      failed.push(error);
    }
  }
  throwAll(failed);
  if (found === 0) context.print('No resources found');
}

function* change(context: Context, info: Info, force: boolean, { type, other, reason, message }: Decision): Op<void> {
  const { mapping } = info;
  if (mapping.group !== 'certificates.k8s.io' || mapping.kind !== 'CertificateSigningRequest') {
    throw new CommandError(`can only handle CertificateSigningRequest.certificates.k8s.io objects, got ${mapping.kind}${mapping.group === '' ? '' : `.${mapping.group}`}`);
  }
  for (let conflicts = 0; ; conflicts++) {
    const live = (yield* context.rest.get(info)) as Request;
    const conditions = live.status?.conditions ?? [];
    if (conditions.some((c) => c.type === other)) throw new CommandError(`certificate signing request ${JSON.stringify(info.name)} is already ${other}`);
    const has = conditions.some((c) => c.type === type);
    if (has && !force) return;
    const { sim } = context.os;
    const added = { type, status: 'True', reason, message, lastUpdateTime: formatTime(sim.epoch + sim.now) };
    const wanted = has ? live : { ...live, status: { ...live.status, conditions: [...conditions, added] } };
    try {
      yield* context.rest.replace({ ...info, subresource: 'approval' }, wanted);
      return;
    } catch (error) {
      if (!(error instanceof ApiError) || error.reason !== 'Conflict' || conflicts >= CONFLICTS) throw error;
    }
  }
}

export const CERTIFICATE: Command = {
  name: 'certificate',
  group: 'Cluster Management Commands:',
  use: 'certificate SUBCOMMAND',
  short: 'Modify certificate resources',
  long: 'Modify certificate resources.',
  flags: [],
  // Without a subcommand it prints its help, and that is no error.
  *run(context): Op<void> {
    context.write(helpText(findCommand(['certificate']).path));
  },
  subcommands: [
    decide(
      'approve',
      'approved',
      { type: 'Approved', other: 'Denied', reason: 'KubectlApprove', message: 'This CSR was approved by kubectl certificate approve.' },
      'Approve a certificate signing request.\n\n The signer will then issue the certificate with the attributes that were asked for: look at them first.',
    ),
    decide(
      'deny',
      'denied',
      { type: 'Denied', other: 'Approved', reason: 'KubectlDeny', message: 'This CSR was denied by kubectl certificate deny.' },
      'Deny a certificate signing request. The signer will then not issue the certificate.',
    ),
  ],
};
