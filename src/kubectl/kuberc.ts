// Preferences of a person: a kuberc file gives flags other defaults and commands other names (kubectl/pkg/kuberc).

import { parseYaml } from '../cluster/api/yaml.ts';
import { messageOf } from '../cluster/client/errors.ts';
import type { Os } from '../cluster/machine/process.ts';
import { calls } from './command.ts';
import { ROOT } from './commands.ts';
import type { FlagDef } from './flag-set.ts';
import { CommandError } from './print/error.ts';
import { findCommand, flagsOf } from './tree.ts';

interface Option {
  readonly name: string;
  readonly default: string;
}

interface Preferences {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly defaults?: readonly { readonly command: string; readonly options?: readonly Option[] }[];
  readonly aliases?: readonly { readonly name: string; readonly command: string; readonly prependArgs?: readonly string[]; readonly appendArgs?: readonly string[]; readonly options?: readonly Option[] }[];
}

const API_VERSIONS = ['kubectl.config.k8s.io/v1beta1', 'kubectl.config.k8s.io/v1alpha1'];

/** --kuberc of a command line that has not been parsed. */
function explicitFile(argv: readonly string[]): string {
  for (const [i, arg] of argv.entries()) {
    if (arg === '--') break;
    if (arg === '--kuberc') return argv[i + 1] ?? '';
    if (arg.startsWith('--kuberc=')) return arg.slice('--kuberc='.length);
  }
  return '';
}

/** The preferences that count; null without. Throws CommandError when a file that was named is of no use. */
function load(os: Os, argv: readonly string[]): Preferences | null {
  const flag = explicitFile(argv);
  const variable = os.env['KUBERC'] ?? '';
  if (variable === 'off' && flag !== '') throw new CommandError('kuberc error disabling kuberc via KUBERC=off and passing kuberc flag are mutually exclusive');
  if (variable === 'off' || flag === 'off' || os.env['KUBECTL_KUBERC'] === 'false') return null;
  const named = flag || variable;
  const path = named === '' ? `${os.env['HOME'] ?? '/root'}/.kube/kuberc` : named.startsWith('/') ? named : `${os.env['PWD'] ?? '/root'}/${named}`;
  if (!os.files.exists(path)) {
    if (named === '') return null;
    throw new CommandError(`kuberc error kuberc: open ${named}: no such file or directory`);
  }
  try {
    const read = parseYaml(os.files.read(path)) as Preferences | null;
    if (!API_VERSIONS.includes(read?.apiVersion ?? '') || read?.kind !== 'Preference') throw new CommandError(`no kind "${read?.kind ?? ''}" is registered for version "${read?.apiVersion ?? ''}"`);
    return read;
  } catch (error) {
    if (named !== '') throw new CommandError(`kuberc error kuberc: ${messageOf(error)}`);
    os.logError(`kuberc: no preferences loaded from ${path}: ${messageOf(error)}`);
    return null;
  }
}

/** Whether the person gives the flag. */
function isGiven({ name, short }: FlagDef, argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return (end < 0 ? argv : argv.slice(0, end)).some(
    (arg) => arg === `--${name}` || arg.startsWith(`--${name}=`) || (short !== undefined && arg.startsWith('-') && !arg.startsWith('--') && arg.slice(1).includes(short)),
  );
}

function optionWords(options: readonly Option[], defs: readonly FlagDef[], argv: readonly string[], unknown: (name: string) => string): string[] {
  return options.flatMap((option) => {
    const def = defs.find((d) => d.name === option.name);
    if (!def) throw new CommandError(unknown(option.name));
    return isGiven(def, argv) ? [] : [`--${option.name}=${option.default}`];
  });
}

/** The command line with the preferences in it. Throws CommandError for preferences that make no sense. */
export function withPreferences(os: Os, given: readonly string[]): readonly string[] {
  const preferences = load(os, given);
  if (preferences === null) return given;
  let argv = given;
  const at = argv.findIndex((arg) => !arg.startsWith('-'));
  const word = argv[at];
  const alias = (preferences.aliases ?? []).find((a) => a.name === word);
  if (word !== undefined && alias && !ROOT.subcommands?.some((c) => calls(c, word))) {
    const command = alias.command.split(/\s+/);
    const { path, rest } = findCommand(command);
    if (path.length === 1 || rest.length > 0) throw new CommandError(`command "${alias.command}" not found to set alias "${alias.name}": ${rest.join(' ')}`);
    const options = optionWords(alias.options ?? [], flagsOf(path), argv, (name) => `invalid alias flag ${name} in alias kubectl`);
    argv = [...argv.slice(0, at), ...command, ...options, ...(alias.prependArgs ?? []), ...argv.slice(at + 1), ...(alias.appendArgs ?? [])];
  }
  const { path } = findCommand(argv);
  const words = path.slice(1).map((c) => c.name);
  for (const { command, options = [] } of preferences.defaults ?? []) {
    const found = findCommand(command.split(/\s+/));
    if (found.path.length === 1 || found.rest.length > 0) os.logError(`Warning: command ${JSON.stringify(command)} not found to set kuberc override`);
    else if (words.length > 0 && found.path.at(-1) === path.at(-1)) argv = [...optionWords(options, flagsOf(path), argv, (name) => `invalid flag ${name} for command ${command}`), ...argv];
  }
  return argv;
}
