// --from-file, --from-literal and --from-env-file of `create configmap` and `create secret`
// (kubectl/pkg/util/util.go, cmd/util/env_file.go).

import type { Context } from '../context.ts';
import { flag, type Flags, type FlagSet } from '../flag-set.ts';
import { CommandError } from '../print/error.ts';

/** Takes one key and its text; throws CommandError for a key that is wrong or there already. */
export type Add = (key: string, text: string) => void;

export const sourceFlags = (kind: string): FlagSet => [
  flag.bool('append-hash', `Put a hash of the ${kind} at the end of its name.`),
  flag.slice('from-env-file', `File with lines KEY=VALUE that make the ${kind}.`),
  flag.slice('from-file', 'File whose text becomes a value, under its name or the key before `=`; a folder gives all files in it.'),
  flag.array('from-literal', 'A key and its value, KEY=VALUE.'),
];

/** The rule on which files and literals may stand together. */
export function checkSources(flags: Flags, name: string): void {
  if (name === '') throw new CommandError('name must be specified');
  if (flags.list('from-env-file').length > 0 && (flags.list('from-file').length > 0 || flags.list('from-literal').length > 0)) {
    throw new CommandError('from-env-file cannot be combined with from-file or from-literal');
  }
}

const WRONG_ENV_NAME =
  "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', and must not start with a digit " +
  "(e.g. 'my.env-name',  or 'MY_ENV.NAME',  or 'MyEnvName1', regex used for validation is '[-._a-zA-Z][-._a-zA-Z0-9]*')";

/** What is wrong with the name of an environment variable, by the strict rule that kubectl has kept. */
export function strictEnvNameErrors(name: string): readonly string[] {
  const errors = /^[-._a-zA-Z][-._a-zA-Z0-9]*$/.test(name) ? [] : [WRONG_ENV_NAME];
  if (name === '.') errors.push("must not be '.'");
  else if (name === '..') errors.push("must not be '..'");
  else if (name.startsWith('..')) errors.push("must not start with '..'");
  return errors;
}

function existing(context: Context, given: string): string {
  const path = context.path(given);
  if (!context.os.files.exists(path)) throw new CommandError(`error reading ${given}: no such file or directory`);
  return path;
}

function keyAndPath(source: string): { readonly key: string; readonly file: string } {
  const parts = source.split('=');
  if (parts.length === 1) return { key: source.replace(/\/+$/, '').split('/').at(-1) || '/', file: source };
  if (parts.length > 2) throw new CommandError("key names or file paths cannot contain '='");
  const [key = '', file = ''] = parts;
  if (key === '') throw new CommandError(`key name for file path ${file} missing`);
  if (file === '') throw new CommandError(`file path for key name ${key} missing`);
  return { key, file };
}

export function addFiles(context: Context, sources: readonly string[], add: Add): void {
  const { files } = context.os;
  for (const source of sources) {
    const { key, file } = keyAndPath(source);
    const path = existing(context, file);
    if (!files.isDirectory(path)) {
      add(key, files.read(path));
      continue;
    }
    if (source.includes('=')) throw new CommandError('cannot give a key name for a directory path');
    for (const name of files.list(path)) if (!files.isDirectory(`${path}/${name}`)) add(name, files.read(`${path}/${name}`));
  }
}

export function addLiterals(sources: readonly string[], add: Add): void {
  for (const source of sources) {
    const equals = source.indexOf('=');
    if (equals <= 0) throw new CommandError(`invalid literal source ${source}, expected key=value`);
    add(source.slice(0, equals), source.slice(equals + 1));
  }
}

export function addEnvFiles(context: Context, sources: readonly string[], kind: string, add: Add): void {
  const { files, env } = context.os;
  for (const source of sources) {
    const path = existing(context, source);
    if (files.isDirectory(path)) throw new CommandError(`env ${kind} file cannot be a directory`);
    for (const line of files.read(path).replace(/^\uFEFF/, '').split('\n')) {
      const text = line.replace(/\r$/, '').trimStart();
      if (text === '' || text.startsWith('#')) continue;
      const equals = text.indexOf('=');
      const key = equals < 0 ? text : text.slice(0, equals);
      const errors = strictEnvNameErrors(key);
      if (errors.length > 0) throw new CommandError(`${JSON.stringify(key)} is not a valid key name: ${errors.join(';')}`);
      add(key, equals < 0 ? (env[key] ?? '') : text.slice(equals + 1));
    }
  }
}
