// kubectl create token (kubectl/pkg/cmd/create/create_token.go).

import { ApiError } from '../../cluster/api/status.ts';
import type { Op } from '../../cluster/sim/simulation.ts';
import type { Command } from '../command.ts';
import { completeNames } from '../completion/resources.ts';
import type { Context } from '../context.ts';
import { flag, type Flags } from '../flag-set.ts';
import { printFlags } from '../global-flags.ts';
import { CommandError } from '../print/error.ts';
import { asStruct } from '../print/go-struct.ts';
import { printerOf } from '../print/printer.ts';
import type { LiveObject } from '../rest.ts';
import { type Json, nameOf } from './generator.ts';

const SECOND = 1e6;
const BINDABLE = ['Node', 'Pod', 'Secret'];

export const CREATE_TOKEN: Command = {
  name: 'token',
  use: 'token SERVICE_ACCOUNT_NAME',
  short: 'Request a service account token',
  long: 'Request a service account token.',
  examples: '# A token of the service account web\nkubectl create token web\n\n# For ten minutes, for another audience\nkubectl create token web --duration 10m --audience https://example.com\n\n# A token that ends with a secret\nkubectl create token web --bound-object-kind Secret --bound-object-name keys',
  flags: [
    ...printFlags(),
    flag.array('audience', 'Who the token is for; the API server when nobody is named. Repeat it for several.'),
    flag.string('bound-object-kind', `The kind of the object that the token is bound to: ${BINDABLE.join(', ')}.`),
    flag.string('bound-object-name', 'The name of the object that the token is bound to: it ends with it.'),
    flag.string('bound-object-uid', 'The UID of the object that the token is bound to; default: of the one that there is.'),
    flag.duration('duration', 'How long the token is to live; 0 leaves it to the server.'),
  ],
  *complete(context, flags, toComplete) {
    return flags.args.length > 0 ? [] : yield* completeNames(context, 'serviceaccounts', toComplete);
  },
  run: createToken,
};

function check(flags: Flags, name: string): void {
  const duration = flags.duration('duration');
  const [kind, bound, uid] = [flags.text('bound-object-kind'), flags.text('bound-object-name'), flags.text('bound-object-uid')];
  if (name === '') throw new CommandError('service account name is required');
  if (duration < 0) throw new CommandError('--duration must be greater than or equal to 0');
  if (duration % SECOND !== 0) throw new CommandError('--duration cannot be expressed in units less than seconds');
  if (flags.list('audience').includes('')) throw new CommandError('--audience must not be an empty string');
  if (kind === '') {
    if (bound !== '') throw new CommandError('--bound-object-name can only be set if --bound-object-kind is provided');
    if (uid !== '') throw new CommandError('--bound-object-uid can only be set if --bound-object-kind is provided');
    return;
  }
  if (!BINDABLE.includes(kind)) throw new CommandError(`supported --bound-object-kind values are ${BINDABLE.join(', ')}`);
  if (bound === '') throw new CommandError('--bound-object-name is required if --bound-object-kind is provided');
}

function requestOf(flags: Flags): Json {
  const [audiences, seconds] = [flags.list('audience'), flags.duration('duration') / SECOND];
  const [kind, name, uid] = [flags.text('bound-object-kind'), flags.text('bound-object-name'), flags.text('bound-object-uid')];
  return {
    kind: 'TokenRequest',
    apiVersion: 'authentication.k8s.io/v1',
    metadata: {},
    spec: {
      audiences: audiences.length > 0 ? audiences : null,
      expirationSeconds: seconds > 0 ? seconds : null,
      boundObjectRef: kind === '' ? null : { kind, apiVersion: 'v1', name, ...(uid === '' ? {} : { uid }) },
    },
    status: { token: '', expirationTimestamp: null },
  };
}

function* createToken(context: Context, flags: Flags): Op<void> {
  const name = nameOf(context, flags);
  const print = printerOf(context, flags, '', [], true);
  check(flags, name);
  const mapping = yield* context.mapper.byArgument('serviceaccounts');
  let response: LiveObject;
  try {
    response = yield* context.rest.create({ mapping, namespace: context.namespace, name, subresource: 'token' }, requestOf(flags));
  } catch (error) {
    throw error instanceof ApiError ? new CommandError(`failed to create token: ${error.message}`) : error;
  }
  const token = (response as { readonly status?: { readonly token?: string } }).status?.token ?? '';
  if (token === '') throw new CommandError('failed to create token: no token in server response');
  if (print !== null) print({ object: asStruct(response) });
  else context.write(context.os.tty === null ? token : `${token}\n`);
}
