// Environment variables of a command line, and what their references stand for (kubectl/pkg/cmd/set/env).

import { fromBase64 } from '../../cluster/api/base64.ts';
import { quantityMilli, quantityValue } from '../../cluster/api/quantity.ts';
import { labelKeyErrors } from '../../cluster/api/validation/names.ts';
import type { Op } from '../../cluster/sim/simulation.ts';
import type { Context } from '../context.ts';
import { strictEnvNameErrors } from '../create/sources.ts';
import { CommandError } from '../print/error.ts';
import { goSyntax } from '../print/json.ts';
import type { LiveObject } from '../rest.ts';
import type { Container, EnvVar, EnvVarSource } from './pod-spec.ts';

export interface EnvChanges {
  readonly set: EnvVar[];
  readonly remove: readonly string[];
}

/** Resources before variables; null when they are mixed. `-` alone reads variables from stdin. */
export function splitEnv(args: readonly string[]): { readonly resources: readonly string[]; readonly pairs: readonly string[] } | null {
  const isEnv = (arg: string): boolean => /^.+=/s.test(arg) || arg.endsWith('-');
  const first = args.findIndex(isEnv);
  if (first < 0) return { resources: args, pairs: [] };
  const pairs = args.slice(first);
  return pairs.every(isEnv) ? { resources: args.slice(0, first), pairs } : null;
}

/** A variable; an empty value is left out, as Go does. */
const variable = (name: string, value: string): EnvVar => (value === '' ? { name } : { name, value });

function* fromStdin(context: Context): Op<EnvVar[]> {
  const lines = (yield* context.readStdin()).split('\n').map((line) => line.replace(/\r$/, '').replace(/#.*/, ''));
  return lines.filter((line) => line.includes('=')).map((line) => variable(line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)));
}

/** Throws CommandError. */
export function* parseEnv(context: Context, specs: readonly string[]): Op<EnvChanges> {
  const set: EnvVar[] = [];
  const remove: string[] = [];
  const named = new Set<string>();
  for (const spec of specs) {
    const equals = spec.indexOf('=');
    if (spec === '-') set.push(...(yield* fromStdin(context)));
    else if (equals >= 0) {
      const name = spec.slice(0, equals);
      const errors = strictEnvNameErrors(name);
      if (errors.length > 0) throw new CommandError(`${JSON.stringify(name)} is not a valid key name: ${errors.join(';')}`);
      named.add(name);
      set.push(variable(name, spec.slice(equals + 1)));
    } else if (spec.endsWith('-')) remove.push(spec.slice(0, -1));
    else throw new CommandError(`unknown environment variable: ${spec}`);
  }
  if (remove.some((name) => named.has(name))) throw new CommandError('can not both modify and remove the same environment variable in the same command');
  return { set, remove };
}

/** The variables of a container with the changes: those that there are keep their places. */
export function changedEnv(existing: readonly EnvVar[], { set, remove }: EnvChanges): readonly EnvVar[] {
  const done = new Set(remove);
  const out: EnvVar[] = [];
  for (const old of existing) {
    if (done.has(old.name)) continue;
    const newer = set.find((e) => e.name === old.name);
    if (newer) done.add(old.name);
    out.push(newer ?? old);
  }
  for (const added of set) {
    if (done.has(added.name)) continue;
    done.add(added.name);
    out.push(added);
  }
  return out;
}

/** `secret keys, key user`. */
export function referenceText({ configMapKeyRef, secretKeyRef, fieldRef, resourceFieldRef }: EnvVarSource): string {
  if (configMapKeyRef) return `configmap ${configMapKeyRef.name ?? ''}, key ${configMapKeyRef.key}`;
  if (secretKeyRef) return `secret ${secretKeyRef.name ?? ''}, key ${secretKeyRef.key}`;
  if (fieldRef) return `field path ${fieldRef.fieldPath}`;
  if (resourceFieldRef) return `resource field ${resourceFieldRef.containerName ? `${resourceFieldRef.containerName}/` : ''}${resourceFieldRef.resource}`;
  return 'invalid valueFrom';
}

type Store = Map<string, Readonly<Record<string, string>>>;

/** Reads what variables refer to; objects are asked for once. */
export class References {
  readonly #context: Context;
  readonly #store: Store = new Map();

  constructor(context: Context) {
    this.#context = context;
  }

  /** Throws CommandError or ApiError. */
  *value(source: EnvVarSource, object: LiveObject, container: Container): Op<string> {
    const { configMapKeyRef, secretKeyRef, fieldRef, resourceFieldRef } = source;
    if (secretKeyRef) {
      const { name = '', key } = secretKeyRef;
      const text = (yield* this.#data('secrets', name))[key];
      if (text === undefined) throw new CommandError(`key ${key} not found in secret ${name}`);
      return fromBase64(text) ?? '';
    }
    if (configMapKeyRef) {
      const { name = '', key } = configMapKeyRef;
      const text = (yield* this.#data('configmaps', name))[key];
      if (text === undefined) throw new CommandError(`key ${key} not found in config map ${name}`);
      return text;
    }
    if (fieldRef) return fieldText(object, fieldRef.fieldPath);
    if (resourceFieldRef) return resourceText(container, resourceFieldRef.resource, resourceFieldRef.divisor);
    throw new CommandError('invalid valueFrom');
  }

  *#data(resource: string, name: string): Op<Readonly<Record<string, string>>> {
    const known = this.#store.get(`${resource}/${name}`);
    if (known) return known;
    const mapping = yield* this.#context.mapper.byArgument(resource);
    const found = (yield* this.#context.rest.get({ mapping, namespace: this.#context.namespace, name })) as LiveObject & { readonly data?: Readonly<Record<string, string>> };
    const data = found.data ?? {};
    this.#store.set(`${resource}/${name}`, data);
    return data;
  }
}

const mapText = (map: Readonly<Record<string, string>> | undefined): string =>
  Object.keys(map ?? {}).sort().map((key) => `${key}=${goSyntax(map?.[key])}`).join('\n');

function fieldText({ metadata }: LiveObject, path: string): string {
  const subscripted = /^([^[]+)\['(.*)'\]$/s.exec(path);
  if (subscripted) {
    const [, field = '', key = ''] = subscripted;
    if (field !== 'metadata.annotations' && field !== 'metadata.labels') throw new CommandError(`fieldPath ${JSON.stringify(path)} does not support subscript`);
    const errors = labelKeyErrors(field === 'metadata.annotations' ? key.toLowerCase() : key);
    if (errors.length > 0) throw new CommandError(`invalid key subscript in ${path}: ${errors.join(';')}`);
    return (field === 'metadata.labels' ? metadata?.labels : metadata?.annotations)?.[key] ?? '';
  }
  switch (path) {
    case 'metadata.annotations':
      return mapText(metadata?.annotations);
    case 'metadata.labels':
      return mapText(metadata?.labels);
    case 'metadata.name':
      return metadata?.name ?? '';
    case 'metadata.namespace':
      return metadata?.namespace ?? '';
    case 'metadata.uid':
      return metadata?.uid ?? '';
    default:
      throw new CommandError(`unsupported fieldPath: ${path}`);
  }
}

function resourceText({ resources }: Container, field: string, divisor: string | undefined): string {
  const dot = field.indexOf('.');
  const [side, name] = [field.slice(0, dot), field.slice(dot + 1)];
  const known = ['cpu', 'memory', 'ephemeral-storage'].includes(name) || name.startsWith('hugepages-');
  if ((side !== 'limits' && side !== 'requests') || !known) throw new CommandError(`Unsupported container resource : ${field}`);
  const given = resources?.[side]?.[name] ?? '0';
  const by = divisor === undefined || divisor === '0' || divisor === '' ? '1' : divisor;
  return String(name === 'cpu' ? Math.ceil(quantityMilli(given) / quantityMilli(by)) : Math.ceil(quantityValue(given) / quantityValue(by)));
}
