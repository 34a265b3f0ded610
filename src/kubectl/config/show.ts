// kubectl config view, current-context, get-contexts, get-clusters, get-users (kubectl/pkg/cmd/config).

import { toBase64 } from '../../cluster/api/base64.ts';
import type { Op } from '../../cluster/sim/simulation.ts';
import type { Command } from '../command.ts';
import type { Context } from '../context.ts';
import { flag, type Flags } from '../flag-set.ts';
import { printFlags } from '../global-flags.ts';
import { CommandError, throwAll } from '../print/error.ts';
import { printerOf } from '../print/printer.ts';
import { TabWriter } from '../print/tabwriter.ts';
import type { LiveObject } from '../rest.ts';
import { ConfigFiles } from './edit.ts';
import { absolute, type Kubeconfig, rawConfig } from './kubeconfig.ts';

type Entry = Readonly<Record<string, unknown>>;

const HIDDEN_DATA = ['certificate-authority-data', 'client-certificate-data', 'client-key-data'];
const HIDDEN_WORDS = ['token', 'password'];

const mapped = (map: ReadonlyMap<string, Entry>, change: (entry: Entry) => Entry): Map<string, Entry> => new Map([...map].map(([name, entry]) => [name, change(entry)]));

function redacted(entry: Entry): Entry {
  const out: Record<string, unknown> = { ...entry };
  for (const key of HIDDEN_DATA) if (out[key]) out[key] = 'DATA+OMITTED';
  for (const key of HIDDEN_WORDS) if (out[key]) out[key] = 'REDACTED';
  return out;
}

/** Files in place of their contents: what a path names is put in. */
const flattened = (context: Context) => (entry: Entry): Entry => {
  const out: Record<string, unknown> = { ...entry };
  for (const key of ['certificate-authority', 'client-certificate', 'client-key']) {
    const path = out[key];
    if (typeof path !== 'string' || path === '') continue;
    out[`${key}-data`] = toBase64(context.os.files.read(absolute(context.os, path)));
    delete out[key];
  }
  return out;
};

function minified(context: Context, flags: Flags, config: Kubeconfig): Kubeconfig {
  const name = flags.text('context') || config.currentContext;
  if (name === '') throw new CommandError('current-context must exist in order to minify');
  const chosen = config.contexts.get(name);
  if (!chosen) throw new CommandError('cannot locate context ' + name);
  const only = <T>(map: ReadonlyMap<string, T>, key: string | undefined): Map<string, T> => new Map([...map].filter(([k]) => k === key));
  return { ...config, currentContext: name, contexts: only(config.contexts, name), clusters: only(config.clusters, chosen.cluster), users: only(config.users, chosen.user) };
}

function* view(context: Context, flags: Flags): Op<void> {
  if (flags.args.length > 0) throw context.usageError(`unexpected arguments: [${flags.args.join(' ')}]`);
  let config = new ConfigFiles(context).merged();
  if (flags.is('minify')) config = minified(context, flags, config);
  const change = (entry: Entry): Entry => {
    const whole = flags.is('flatten') ? flattened(context)(entry) : entry;
    return flags.is('raw') ? whole : redacted(whole);
  };
  const shown = { ...config, clusters: mapped(config.clusters, change), users: mapped(config.users, change) } as Kubeconfig;
  printerOf(context, flags, '', [], true)?.({ object: rawConfig(shown) as LiveObject });
}

function* names(context: Context, title: string, list: Iterable<string>): Op<void> {
  context.print(title);
  for (const name of [...list].sort()) context.print(name);
}

function* getContexts(context: Context, flags: Flags): Op<void> {
  const config = new ConfigFiles(context).merged();
  const output = flags.text('output');
  if (output !== '' && output !== 'name' && output !== 'wide') throw new CommandError(`output must be one of '' or 'name': ${output}`);
  const asked = flags.args.length > 0 ? flags.args : [...config.contexts.keys()];
  const missing: unknown[] = [];
  const tabs = new TabWriter((text) => context.write(text));
  if (output !== 'name' && !flags.is('no-headers')) tabs.write('CURRENT\tNAME\tCLUSTER\tAUTHINFO\tNAMESPACE\n');
  for (const name of [...asked].sort()) {
    const entry = config.contexts.get(name);
    if (!entry) missing.push(new CommandError(`context ${name} not found`));
    else if (output === 'name') tabs.write(`${name}\n`);
    else tabs.write(`${[name === config.currentContext ? '*' : '', name, entry.cluster ?? '', entry.user ?? '', entry.namespace ?? ''].join('\t')}\n`);
  }
  tabs.flush();
  throwAll(missing);
}

export const SHOW: readonly Command[] = [
  {
    name: 'current-context',
    use: 'current-context [flags]',
    short: 'Display the current-context',
    flags: [],
    *run(context): Op<void> {
      const { currentContext } = new ConfigFiles(context).merged();
      if (currentContext === '') throw new CommandError('current-context is not set');
      context.print(currentContext);
    },
  },
  {
    name: 'get-clusters',
    use: 'get-clusters [flags]',
    short: 'Display clusters defined in the kubeconfig',
    flags: [],
    *run(context): Op<void> {
      yield* names(context, 'NAME', new ConfigFiles(context).merged().clusters.keys());
    },
  },
  {
    name: 'get-users',
    use: 'get-users [flags]',
    short: 'Display users defined in the kubeconfig',
    flags: [],
    *run(context): Op<void> {
      yield* names(context, 'NAME', new ConfigFiles(context).merged().users.keys());
    },
  },
  {
    name: 'get-contexts',
    use: 'get-contexts [(-o|--output=)name)]',
    short: 'Describe one or many contexts',
    flags: [flag.bool('no-headers', 'Print no headers.'), flag.string('output', 'Output format: name, or nothing for the table.', { short: 'o' })],
    run: getContexts,
  },
  {
    name: 'view',
    use: 'view [flags]',
    short: 'Display merged kubeconfig settings or a specified kubeconfig file',
    examples: '# Show the merged settings\nkubectl config view\n\n# With certificates and tokens\nkubectl config view --raw\n\n# The namespace of the context in use\nkubectl config view --minify -o jsonpath={..namespace}',
    flags: [
      ...printFlags().map((f) => (f.name === 'output' ? { ...f, value: 'yaml' } : f)),
      flag.bool('flatten', 'Put what files contain into the output, for a file that can be taken elsewhere.'),
      flag.bool('merge', 'Merge the whole chain of kubeconfig files.', { value: 'true', alone: 'true' }),
      flag.bool('minify', 'Leave out what the current context does not use.'),
      flag.bool('raw', 'Show certificates and secrets too.'),
    ],
    run: view,
  },
];
