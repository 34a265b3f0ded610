// From the names that people use to resources: short names, kinds, plurals, `deployments.v1.apps`, categories (client-go
// restmapper, cli-runtime's Builder.mappingFor).

import type { Op } from '../../cluster/sim/simulation.ts';
import { CommandError } from '../print/error.ts';
import type { Discovery, Mapping } from './discovery.ts';

interface Asked {
  readonly resource: string;
  readonly group: string;
  readonly version: string;
}

/** `deployments.v1.apps` read both ways: with a version, and as resource.group. */
function readings(arg: string): readonly Asked[] {
  const [resource = '', second, ...rest] = arg.split('.');
  const plain: Asked = { resource, group: second === undefined ? '' : [second, ...rest].join('.'), version: '' };
  return rest.length > 0 ? [{ resource, version: second as string, group: rest.join('.') }, plain] : [plain];
}

export const groupResource = (m: Mapping): string => (m.group === '' ? m.resource : `${m.resource}.${m.group}`);

/** `deployment.apps`: what stands before the slash in messages. */
export const kindName = (m: Mapping): string => (m.group === '' ? m.kind.toLowerCase() : `${m.kind.toLowerCase()}.${m.group}`);

/** The name of no resource that the server has. */
export class NoMatch extends CommandError {}

export class Mapper {
  readonly #discovery: Discovery;

  constructor(discovery: Discovery) {
    this.#discovery = discovery;
  }

  /** All resources, those of the preferred versions first within a group. */
  *all(): Op<readonly Mapping[]> {
    return (yield* this.#discovery.groups()).flatMap((g) => g.versions.flatMap((v) => v.resources));
  }

  /** The resource of an argument such as `po`, `Deployment`, `deployments.apps`. Throws NoMatch. */
  *byArgument(arg: string): Op<Mapping> {
    const found = yield* this.tryArgument(arg);
    if (found) return found;
    throw new NoMatch(`the server doesn't have a resource type ${JSON.stringify(arg.split('.')[0] ?? '')}`);
  }

  *tryArgument(arg: string): Op<Mapping | undefined> {
    const found = this.#search(yield* this.all(), arg);
    if (found) return found;
    return (yield* this.#discovery.invalidate()) ? this.#search(yield* this.all(), arg) : undefined;
  }

  #search(all: readonly Mapping[], arg: string): Mapping | undefined {
    const expand = (asked: Asked): Asked => {
      const word = asked.resource.toLowerCase();
      const short = all.find((m) => m.shortNames.includes(word) && (asked.group === '' || m.group === asked.group || m.group.startsWith(asked.group)));
      return { ...asked, resource: short ? short.resource : word };
    };
    for (const reading of readings(arg)) {
      for (const asked of [{ ...reading, resource: reading.resource.toLowerCase() }, expand(reading)]) {
        const named = all.filter((m) => (m.resource === asked.resource || m.singular === asked.resource) && (asked.version === '' || m.version === asked.version));
        const found = asked.group === '' ? named[0] : (named.find((m) => m.group === asked.group) ?? named.find((m) => m.group.startsWith(asked.group)));
        if (found) return found;
      }
    }
    for (const { resource: kind, group, version } of readings(arg)) {
      const found = all.find((m) => m.kind === kind && (group === '' || m.group === group) && (version === '' || m.version === version));
      if (found) return found;
    }
    return undefined;
  }

  /** The resource of a manifest. */
  *byKind(apiVersion: string, kind: string): Op<Mapping | undefined> {
    // Without a version: the preferred one of the core group.
    const find = (all: readonly Mapping[]): Mapping | undefined =>
      all.find((m) => (apiVersion === '' ? m.group === '' : m.apiVersion === apiVersion) && m.kind === kind);
    const found = find(yield* this.all());
    if (found) return found;
    return (yield* this.#discovery.invalidate()) ? find(yield* this.all()) : undefined;
  }

  /** The resource with that group and plural, in its preferred version. */
  *byResource(group: string, resource: string): Op<Mapping | undefined> {
    return (yield* this.all()).find((m) => m.group === group && m.resource === resource);
  }

  /** The resources of a category such as `all`: one of each group and name. Empty when there is none of that name. */
  *category(name: string): Op<readonly Mapping[]> {
    const seen = new Set<string>();
    return (yield* this.all()).filter((m) => m.categories.includes(name) && !seen.has(groupResource(m)) && seen.add(groupResource(m)));
  }

  /** `all,cm` → the resources of each word. */
  *replaceAliases(words: string): Op<readonly string[]> {
    const out: string[] = [];
    for (const word of words.split(',')) {
      const members = yield* this.category(word.toLowerCase());
      if (members.length > 0) out.push(...members.map(groupResource));
      else out.push(word);
    }
    return out;
  }
}
