// Reads the scheduler's record of one decision: which nodes were refused and why, and the scores of the others.

export interface FunnelNode {
  readonly name: string;
  /** Why the node was refused; empty when it passed the filters. */
  readonly reasons: readonly string[];
  readonly scores: Readonly<Record<string, number>>;
  readonly total: number | null;
}

export interface Funnel {
  readonly nodes: readonly FunnelNode[];
  /** In the order in which they scored; none when there was nothing to compare. */
  readonly plugins: readonly string[];
  /** '' when no node fits. */
  readonly chosen: string;
  readonly feasible: number;
}

interface Detail {
  readonly chosen?: string | null;
  readonly scores?: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly rejected?: Readonly<Record<string, readonly string[]>>;
}

const TOTAL = 'total';

/** Null for records that are no decision, or one of which only the outcome was kept. The best node comes first, refused ones last. */
export function funnelOf(kind: string, verb: string, detail: unknown): Funnel | null {
  if (kind !== 'scheduler' || verb !== 'schedule' || typeof detail !== 'object' || detail === null) return null;
  const { chosen, scores, rejected } = detail as Detail;
  if (scores === undefined || rejected === undefined) return null;
  const passed = new Set(Object.keys(scores));
  if (typeof chosen === 'string') passed.add(chosen);
  const nodes = [...passed].map((name): FunnelNode => {
    const { [TOTAL]: total = null, ...of } = scores[name] ?? {};
    return { name, reasons: [], scores: of, total };
  });
  nodes.sort((a, b) => Number(b.name === chosen) - Number(a.name === chosen) || (b.total ?? 0) - (a.total ?? 0) || (a.name < b.name ? -1 : 1));
  for (const name of Object.keys(rejected).toSorted()) nodes.push({ name, reasons: rejected[name] ?? [], scores: {}, total: null });
  const plugins = Object.keys(nodes.find((node) => node.total !== null)?.scores ?? {});
  return { nodes, plugins, chosen: chosen ?? '', feasible: passed.size };
}
