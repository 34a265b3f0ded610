// API priority and fairness: the first FlowSchema that matches puts a request into a priority level, whose seats it takes or waits for
// (apiserver/pkg/util/flowcontrol/apf_controller.go). The configuration is read anew when one of its objects has changed.

import type { FlowSchema, PriorityLevelConfiguration } from '../../api/generated/types.ts';
import type { Simulation } from '../../sim/simulation.ts';
import type { RequestContext, RequestInfo, User } from '../request.ts';
import type { Cacher } from '../storage/cacher.ts';
import { bootstrapLevels, bootstrapSchemas } from './bootstrap.ts';
import { Level } from './level.ts';
import { concerns, schemaMatches } from './match.ts';

export const SCHEMAS = 'flowschemas.flowcontrol.apiserver.k8s.io';
export const LEVELS = 'prioritylevelconfigurations.flowcontrol.apiserver.k8s.io';
const REMEMBERED_USERS = 2_048;
const REMEMBERED_REQUESTS = 1_024;
/** A seat for each so many objects of a list, at most ten. */
const OBJECTS_PER_SEAT = 100;
const MAX_LIST_SEATS = 10;
const MAX_SHARE = 0.15;

export interface Classification {
  readonly flowSchema: string;
  readonly flowSchemaUid: string;
  readonly byUser: boolean;
  readonly byNamespace: boolean;
  readonly level: Level;
  readonly levelUid: string;
}

interface Ranked {
  readonly schema: FlowSchema;
  readonly result: Classification;
}

/** Of a user: the schemas that are about him, and what they make of each kind of request. */
interface Known {
  readonly schemas: readonly Ranked[];
  readonly results: Map<string, Classification>;
}

export interface FlowSources {
  readonly schemas: Cacher;
  readonly levels: Cacher;
  /** How many objects of a resource there are. */
  readonly countOf: (info: RequestInfo) => number;
}

export class FlowControl {
  readonly #sim: Simulation;
  readonly #from: FlowSources;
  readonly #totalSeats: number;
  readonly levels = new Map<string, Level>();
  #schemas: readonly Ranked[] = [];
  #byNamespaceName = false;
  #stale = true;
  readonly #known = new Map<User, Known>();

  constructor(sim: Simulation, from: FlowSources, totalSeats: number) {
    this.#sim = sim;
    this.#from = from;
    this.#totalSeats = totalSeats;
  }

  /** To be told of every change in the watch cache. */
  changed(cacher: Cacher): void {
    if (cacher === this.#from.schemas || cacher === this.#from.levels) this.#stale = true;
  }

  /** The first schema that matches, in the order of their precedence. */
  classify({ user, info }: RequestContext): Classification {
    if (this.#stale) this.#read();
    let mine = this.#known.get(user);
    if (!mine) {
      if (this.#known.size >= REMEMBERED_USERS) this.#known.clear();
      mine = { schemas: this.#schemas.filter(({ schema }) => concerns(schema, user)), results: new Map() };
      this.#known.set(user, mine);
    }
    const where = this.#byNamespaceName ? info.namespace : info.namespace === '' ? '' : 'n';
    const key = info.isResource ? `${info.verb} ${info.resource}/${info.subresource} ${where} ${info.group}` : `${info.verb} ${info.path}`;
    let result = mine.results.get(key);
    if (!result) {
      result = (mine.schemas.find(({ schema }) => schemaMatches(schema, user, info)) ?? (this.#schemas.at(-1) as Ranked)).result;
      if (mine.results.size >= REMEMBERED_REQUESTS) mine.results.clear();
      mine.results.set(key, result);
    }
    return result;
  }

  /** The seats that the request takes. */
  widthOf({ info }: RequestContext, { level }: Classification): number {
    if (info.verb !== 'list' || info.name !== '' || level.exempt) return 1;
    const most = Math.max(1, Math.min(MAX_LIST_SEATS, Math.ceil(level.seats * MAX_SHARE)));
    return Math.max(1, Math.min(most, Math.ceil(this.#from.countOf(info) / OBJECTS_PER_SEAT)));
  }

  /** What tells the flows of a schema apart. */
  distinguisher({ user, info }: RequestContext, c: Classification): string {
    return c.byUser ? user.name : c.byNamespace ? info.namespace : '';
  }

  #read(): void {
    this.#stale = false;
    this.#known.clear();
    const levels = objectsOf<PriorityLevelConfiguration>(this.#from.levels, bootstrapLevels());
    const schemas = objectsOf<FlowSchema>(this.#from.schemas, bootstrapSchemas());
    const limited = levels.filter(({ spec }) => spec.type !== 'Exempt');
    const shares = (one: PriorityLevelConfiguration): number => one.spec.limited?.nominalConcurrencyShares ?? 30;
    const sum = limited.reduce((total, one) => total + shares(one), 0);
    const uids = new Map<string, string>();
    for (const one of levels) {
      const { name, uid = '' } = one.metadata;
      const level = this.levels.get(name) ?? new Level(this.#sim, name, one.spec);
      level.spec = one.spec;
      level.seats = one.spec.type === 'Exempt' ? 0 : Math.ceil((this.#totalSeats * shares(one)) / sum);
      this.levels.set(name, level);
      uids.set(name, uid);
    }
    for (const name of [...this.levels.keys()]) if (!uids.has(name)) this.levels.delete(name);
    this.#byNamespaceName = schemas.some(({ spec }) => spec.rules?.some((r) => r.resourceRules?.some((rule) => rule.namespaces?.some((n) => n !== '*'))));
    this.#schemas = schemas
      .filter(({ spec }) => this.levels.has(spec.priorityLevelConfiguration.name))
      .sort((a, b) => (a.spec.matchingPrecedence ?? 1000) - (b.spec.matchingPrecedence ?? 1000) || (a.metadata.name < b.metadata.name ? -1 : 1))
      .map((schema) => ({ schema, result: this.#resultOf(schema, uids) }));
  }

  #resultOf({ metadata, spec }: FlowSchema, uids: ReadonlyMap<string, string>): Classification {
    const { name } = spec.priorityLevelConfiguration;
    return Object.freeze({
      flowSchema: metadata.name,
      flowSchemaUid: metadata.uid ?? '',
      byUser: spec.distinguisherMethod?.type === 'ByUser',
      byNamespace: spec.distinguisherMethod?.type === 'ByNamespace',
      level: this.levels.get(name) as Level,
      levelUid: uids.get(name) ?? '',
    });
  }
}

/** What is stored; where the mandatory objects are missing, those that would be made. */
function objectsOf<T extends { readonly metadata: { readonly name: string } }>(cacher: Cacher, fallback: readonly T[]): T[] {
  const objects: T[] = [];
  cacher.objects.walk('', null, (object) => void objects.push(object as unknown as T));
  if (objects.length === 0) return [...fallback];
  for (const name of ['exempt', 'catch-all']) {
    if (!objects.some((one) => one.metadata.name === name)) objects.push(fallback.find((one) => one.metadata.name === name) as T);
  }
  return objects;
}
