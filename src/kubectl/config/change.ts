// kubectl config set, unset, set-*, delete-*, rename-context, use-context (kubectl/pkg/cmd/config).

import { toBase64 } from '../../cluster/api/base64.ts';
import type { Op } from '../../cluster/sim/simulation.ts';
import type { Command } from '../command.ts';
import type { Context } from '../context.ts';
import { flag, type Flags } from '../flag-set.ts';
import { CommandError } from '../print/error.ts';
import { ConfigFiles, type Section } from './edit.ts';

type Entry = Readonly<Record<string, unknown>>;

/** The one argument. */
function only(context: Context, flags: Flags, what: string): string {
  const [first] = flags.args;
  if (first === undefined || flags.args.length > 1) throw context.usageError(what);
  return first;
}

const remove = (name: string, section: Section, word: string): Command => ({
  name,
  use: `${name} NAME`,
  short: `Delete the specified ${word} from the kubeconfig`,
  flags: [],
  *run(context, flags): Op<void> {
    const files = new ConfigFiles(context);
    const entry = flags.args[0];
    if (entry === undefined || flags.args.length > 1) throw context.usageError(`unexpected args: [${flags.args.join(' ')}]`);
    const config = files.merged();
    if (!config[section].has(entry)) throw new CommandError(`cannot delete ${word} ${entry}, not in ${files.name}`);
    if (section === 'contexts' && config.currentContext === entry) context.printError('warning: this removed your active context, use "kubectl config use-context" to select a different one');
    files.set(section, entry, undefined);
    context.print(`deleted ${word} ${entry} from ${files.name}`);
  },
});

/** The flags that were given, as fields of an entry. */
function fieldsOf(context: Context, flags: Flags, embed: readonly string[], embedFlag: string, plain: readonly string[]): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const name of plain) if (flags.given(name)) out[name] = name === 'insecure-skip-tls-verify' || name === 'disable-compression' ? flags.is(name) : flags.text(name);
  for (const name of embed) {
    if (!flags.given(name)) continue;
    const path = flags.text(name);
    if (!flags.is(embedFlag)) out[name] = context.path(path);
    else {
      if (!context.os.files.exists(context.path(path))) throw new CommandError(`could not stat ${name} file ${path}: stat ${path}: no such file or directory`);
      out[`${name}-data`] = toBase64(context.os.files.read(context.path(path)));
    }
  }
  return out;
}

function merge(entry: Entry, more: Entry): Entry {
  const out: Record<string, unknown> = { ...entry, ...more };
  for (const key of Object.keys(more)) {
    if (key.endsWith('-data')) delete out[key.slice(0, -5)];
    else if (out[`${key}-data`] !== undefined) delete out[`${key}-data`];
    if (more[key] === '') delete out[key];
  }
  return out;
}

function* setCluster(context: Context, flags: Flags): Op<void> {
  const name = only(context, flags, `Unexpected args: [${flags.args.join(' ')}]`);
  const files = new ConfigFiles(context);
  const more = fieldsOf(context, flags, ['certificate-authority'], 'embed-certs', ['server', 'tls-server-name', 'insecure-skip-tls-verify', 'proxy-url']);
  files.set('clusters', name, merge(files.merged().clusters.get(name) ?? { server: '' }, more));
  context.print(`Cluster "${name}" set.`);
}

/** A plug-in that gives credentials, as the flags describe it. */
function pluginOf(flags: Flags): Record<string, unknown> {
  if (!flags.given('exec-command')) return {};
  const env = flags.list('exec-env').map((pair) => ({ name: pair.slice(0, pair.indexOf('=')), value: pair.slice(pair.indexOf('=') + 1) }));
  const args = flags.list('exec-arg');
  const exec = { apiVersion: flags.text('exec-api-version'), args: args.length > 0 ? args : null, command: flags.text('exec-command'), env: env.length > 0 ? env : null, interactiveMode: flags.text('exec-interactive-mode') || 'IfAvailable', provideClusterInfo: flags.is('exec-provide-cluster-info') };
  return { exec };
}

function* setCredentials(context: Context, flags: Flags): Op<void> {
  const name = only(context, flags, `Unexpected args: [${flags.args.join(' ')}]`);
  if (flags.given('token') && flags.given('username')) throw new CommandError('you cannot specify more than one authentication method at the same time: --token or --username/--password');
  const files = new ConfigFiles(context);
  const more = { ...fieldsOf(context, flags, ['client-certificate', 'client-key'], 'embed-certs', ['token', 'username', 'password']), ...pluginOf(flags) };
  files.set('users', name, merge(files.merged().users.get(name) ?? {}, more));
  context.print(`User "${name}" set.`);
}

function* setContext(context: Context, flags: Flags): Op<void> {
  const files = new ConfigFiles(context);
  const config = files.merged();
  const current = flags.is('current');
  if (current && flags.args.length > 0) throw context.usageError('you cannot specify both a context name and --current');
  if (!current && flags.args.length !== 1) throw context.usageError('you must specify a non-empty context name or --current');
  if (current && config.currentContext === '') throw new CommandError('no current context is set');
  const name = current ? config.currentContext : (flags.args[0] as string);
  const old = config.contexts.get(name);
  const fields = merge(old ?? { cluster: '', user: '' }, fieldsOf(context, flags, [], '', ['cluster', 'user', 'namespace']));
  files.set('contexts', name, { ...fields, cluster: fields['cluster'] ?? '', user: fields['user'] ?? '' });
  context.print(`Context "${name}" ${old ? 'modified' : 'created'}.`);
}

function* useContext(context: Context, flags: Flags): Op<void> {
  const name = only(context, flags, `Unexpected args: [${flags.args.join(' ')}]`);
  const files = new ConfigFiles(context);
  if (!files.merged().contexts.has(name)) throw new CommandError(`no context exists with the name: ${JSON.stringify(name)}`);
  files.setCurrentContext(name);
  context.print(`Switched to context "${name}".`);
}

function* renameContext(context: Context, flags: Flags): Op<void> {
  const [from, to] = flags.args;
  if (from === undefined || to === undefined || flags.args.length > 2) throw context.usageError(`Unexpected args: [${flags.args.join(' ')}]`);
  const files = new ConfigFiles(context);
  const config = files.merged();
  const entry = config.contexts.get(from);
  if (!entry) throw new CommandError(`cannot rename the context ${JSON.stringify(from)}, it's not in ${files.name}`);
  if (config.contexts.has(to)) throw new CommandError(`cannot rename the context ${JSON.stringify(from)}, the context ${JSON.stringify(to)} already exists in ${files.name}`);
  files.set('contexts', from, undefined);
  files.set('contexts', to, entry);
  if (config.currentContext === from) files.setCurrentContext(to);
  context.print(`Context "${from}" renamed to "${to}".`);
}

const SECTIONS: Readonly<Record<string, Section>> = { clusters: 'clusters', users: 'users', contexts: 'contexts' };

/** `users.admin.token` or `clusters.my.cluster.server`: the section, the entry (its name may have dots) and the field. */
function place(files: ConfigFiles, property: string, unset: boolean): { section: Section; name: string; field: string } {
  const [first = '', ...rest] = property.split('.');
  const section = SECTIONS[first];
  if (!section || rest.length === 0) throw new CommandError(`unable to parse ${JSON.stringify(property)} as a property: expected clusters, users, contexts, current-context or preferences`);
  const known = files.merged()[section];
  if (unset && known.has(rest.join('.'))) return { section, name: rest.join('.'), field: '' };
  if (rest.length < 2) return { section, name: rest.join('.'), field: '' };
  return { section, name: rest.slice(0, -1).join('.'), field: rest.at(-1) as string };
}

function* set(context: Context, flags: Flags): Op<void> {
  const [property, value] = flags.args;
  if (property === undefined || value === undefined || flags.args.length > 2) throw context.usageError(`unexpected args: [${flags.args.join(' ')}]`);
  const files = new ConfigFiles(context);
  if (property === 'current-context') files.setCurrentContext(value);
  else if (property.startsWith('preferences.')) files.setPreferences({ ...files.merged().preferences, [property.slice('preferences.'.length)]: /^(true|false)$/.test(value) ? value === 'true' : value });
  else {
    const { section, name, field } = place(files, property, false);
    if (field === '') throw new CommandError(`unable to set ${JSON.stringify(property)}: a field must be named`);
    const raw = field.endsWith('-data') && !flags.is('set-raw-bytes') ? value : field.endsWith('-data') ? toBase64(value) : /^(true|false)$/.test(value) ? value === 'true' : value;
    files.set(section, name, { ...(files.merged()[section].get(name) as Entry | undefined), [field]: raw });
  }
  context.print(`Property "${property}" set.`);
}

function* unset(context: Context, flags: Flags): Op<void> {
  const [property] = flags.args;
  if (property === undefined || flags.args.length > 1) throw context.usageError(`unexpected args: [${flags.args.join(' ')}]`);
  const files = new ConfigFiles(context);
  if (property === 'current-context') files.setCurrentContext('');
  else {
    const { section, name, field } = place(files, property, true);
    const entry = files.merged()[section].get(name) as Entry | undefined;
    if (!entry) throw new CommandError(`current map key \`${name}\` is invalid`);
    const { [field]: _gone, ...rest } = entry;
    files.set(section, name, field === '' ? undefined : rest);
  }
  context.print(`Property "${property}" unset.`);
}

const embedCerts = (what: string) => flag.bool('embed-certs', `Put the contents of ${what} into the kubeconfig.`);

export const CHANGE: readonly Command[] = [
  remove('delete-cluster', 'clusters', 'cluster'),
  remove('delete-context', 'contexts', 'context'),
  remove('delete-user', 'users', 'user'),
  { name: 'rename-context', use: 'rename-context CONTEXT_NAME NEW_NAME', short: 'Rename a context from the kubeconfig file', flags: [], run: renameContext },
  { name: 'set', use: 'set PROPERTY_NAME PROPERTY_VALUE', short: 'Set an individual value in a kubeconfig file', flags: [flag.bool('set-raw-bytes', 'For fields of bytes: the value is the bytes themselves, not base64.')], run: set },
  {
    name: 'set-cluster',
    use: 'set-cluster NAME [--server=server] [--certificate-authority=path/to/certificate/authority] [--insecure-skip-tls-verify=true] [--tls-server-name=example.com]',
    short: 'Set a cluster entry in kubeconfig',
    flags: [
      flag.string('certificate-authority', 'File with the certificate of the authority.'),
      embedCerts('the certificate file'),
      flag.bool('insecure-skip-tls-verify', 'Do not check the certificate of the server.'),
      flag.string('proxy-url', 'Proxy to use.'),
      flag.string('server', 'Address of the API server.'),
      flag.string('tls-server-name', 'Name to expect in the certificate.'),
    ],
    run: setCluster,
  },
  {
    name: 'set-context',
    use: 'set-context [NAME | --current] [--cluster=cluster_nickname] [--user=user_nickname] [--namespace=namespace]',
    short: 'Set a context entry in kubeconfig',
    flags: [flag.string('cluster', 'The cluster of the context.'), flag.bool('current', 'Change the current context.'), flag.string('namespace', 'The namespace of the context.', { short: 'n' }), flag.string('user', 'The user of the context.')],
    run: setContext,
  },
  {
    name: 'set-credentials',
    use: 'set-credentials NAME [--client-certificate=path/to/certfile] [--client-key=path/to/keyfile] [--token=bearer_token] [--username=basic_user] [--password=basic_password] [--auth-provider=provider_name] [--auth-provider-arg=key=value] [--exec-command=exec_command] [--exec-api-version=exec_api_version] [--exec-arg=arg] [--exec-env=key=value]',
    short: 'Set a user entry in kubeconfig',
    flags: [
      flag.string('client-certificate', 'File with the client certificate.'),
      flag.string('client-key', 'File with the client key.'),
      embedCerts('certificate and key files'),
      flag.string('auth-provider', 'The auth provider of the user.'),
      flag.slice('auth-provider-arg', 'Arguments for the auth provider, key=value.'),
      flag.string('exec-api-version', 'API version of the exec plugin.'),
      flag.slice('exec-arg', 'Arguments for the exec plugin.'),
      flag.string('exec-command', 'The exec plugin that gives credentials.'),
      flag.array('exec-env', 'Environment of the exec plugin, key=value.'),
      flag.string('exec-interactive-mode', 'Whether the exec plugin may ask: Never, IfAvailable or Always.'),
      flag.bool('exec-provide-cluster-info', 'Tell the exec plugin about the cluster.'),
      flag.string('password', 'Password for basic authentication.'),
      flag.string('token', 'Bearer token.'),
      flag.string('username', 'Name for basic authentication.'),
    ],
    run: setCredentials,
  },
  { name: 'unset', use: 'unset PROPERTY_NAME', short: 'Unset an individual value in a kubeconfig file', flags: [], run: unset },
  {
    name: 'use-context',
    aliases: ['use'],
    use: 'use-context CONTEXT_NAME',
    short: 'Set the current-context in a kubeconfig file',
    flags: [],
    *complete(context, _flags, toComplete): Op<readonly string[]> {
      return [...new ConfigFiles(context).merged().contexts.keys()].filter((name) => name.startsWith(toComplete)).sort();
    },
    run: useContext,
  },
];
