// The pool of official definitions that OpenAPI documents are made from. It is a lazy asset (src/cluster/api/generated/openapi.json,
// written by scripts/generate.mjs): the host reads it and hands it over before somebody can ask for a document.

/** A schema of OpenAPI v2 or v3, or a part of one. */
export type Schema = Readonly<Record<string, unknown>>;

export interface OpenApiPool {
  /** Definitions of the v2 document by their full names, `io.k8s.api.core.v1.Pod`. */
  readonly definitions: Readonly<Record<string, Schema>>;
  /** For a definition the fields that Go holds as pointers: these have no default in v3. */
  readonly pointers: Readonly<Record<string, string>>;
}

let pool: OpenApiPool | null = null;
const names = new Map<string, string>();

/** Gives the texts to every API server of this realm; null takes them back. */
export function provideOpenApi(given: OpenApiPool | null): void {
  if (pool === given) return;
  pool = given;
  names.clear();
}

/** What the host has provided; null before that. */
export const openApiPool = (): OpenApiPool | null => pool;

interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

/** The full name of the definition of a kind, or undefined where the pool has none. */
export function definitionName(from: OpenApiPool, group: string, version: string, kind: string): string | undefined {
  if (names.size === 0) {
    for (const name of Object.keys(from.definitions)) {
      const kinds = from.definitions[name]?.['x-kubernetes-group-version-kind'] as readonly GroupVersionKind[] | undefined;
      if (kinds?.length === 1) names.set(`${kinds[0]?.group}/${kinds[0]?.version}/${kinds[0]?.kind}`, name);
    }
  }
  return names.get(`${group}/${version}/${kind}`);
}
