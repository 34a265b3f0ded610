// kubectl version (kubectl/pkg/cmd/version).

import { isProgrammingError } from '../../cluster/client/errors.ts';
import type { Op } from '../../cluster/sim/simulation.ts';
import type { Command } from '../command.ts';
import { VERSION } from '../config/client-config.ts';
import type { Context } from '../context.ts';
import { flag, type Flags } from '../flag-set.ts';
import { CommandError } from '../print/error.ts';
import { escapeHtml } from '../print/json.ts';
import { goYaml } from '../print/yaml.ts';

const KUSTOMIZE = 'v5.8.1';

const CLIENT = {
  major: '1',
  minor: '36',
  gitVersion: VERSION,
  gitCommit: '0000000000000000000000000000000000000000',
  gitTreeState: 'clean',
  buildDate: '2026-04-22T00:00:00Z',
  goVersion: 'go1.26.2',
  compiler: 'gc',
  platform: 'linux/amd64',
};

type Info = Readonly<Record<string, string>>;

export const VERSION_COMMAND: Command = {
  name: 'version',
  use: 'version [flags]',
  short: 'Print the client and server version information',
  long: 'Print the client and server version information for the current context.',
  examples: '# Print the client and server versions\nkubectl version',
  flags: [flag.bool('client', 'Only the version of the client; no server is asked.'), flag.string('output', "'yaml' or 'json'.", { short: 'o' })],
  run: version,
};

function* version(context: Context, flags: Flags): Op<void> {
  const output = flags.text('output');
  if (flags.args.length > 0) throw new CommandError(`extra arguments: [${flags.args.join(' ')}]`);
  if (output !== '' && output !== 'yaml' && output !== 'json') throw new CommandError("--output must be 'yaml' or 'json'");
  let server: Info | undefined;
  let failure: unknown;
  if (!flags.is('client')) {
    try {
      server = (yield* context.rest.raw('GET', '/version')).body as Info;
    } catch (error) {
      if (isProgrammingError(error)) throw error;
      failure = error;
    }
  }
  const all = { clientVersion: CLIENT, kustomizeVersion: KUSTOMIZE, ...(server ? { serverVersion: server } : {}) };
  if (output === 'yaml') context.write(goYaml(all));
  else if (output === 'json') context.print(escapeHtml(JSON.stringify(all, null, 2)));
  else {
    context.print(`Client Version: ${VERSION}`);
    context.print(`Kustomize Version: ${KUSTOMIZE}`);
    if (server) context.print(`Server Version: ${server['gitVersion'] ?? ''}`);
  }
  if (failure !== undefined) throw failure;
  const minor = Number.parseInt(server?.['minor'] ?? '36', 10);
  if (Math.abs(minor - 36) > 1) context.printError(`WARNING: version difference between client (1.36) and server (1.${minor}) exceeds the supported minor version skew of +/-1`);
}
