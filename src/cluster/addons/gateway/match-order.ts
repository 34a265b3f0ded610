// Which of several matches counts, and which hostnames meet: the rules of the Gateway API's specification (HTTPRouteRule.matches,
// Listener.hostname).

import type { HTTPRoute, RouteMatch } from './types.ts';

export interface Candidate {
  readonly match: RouteMatch;
  readonly route: HTTPRoute;
  /** Of the rule in its route, and of the match in its rule. */
  readonly rule: number;
  readonly index: number;
}

/**
 * The first wins: an exact path before a prefix, the longer prefix first, a method, more headers, more query parameters, the older route, the
 * name, the order in the route.
 */
export function compareCandidates(a: Candidate, b: Candidate): number {
  const type = ({ match }: Candidate): number => (match.path?.type === 'Exact' ? 0 : match.path?.type === 'RegularExpression' ? 1 : 2);
  const length = ({ match }: Candidate): number => (match.path?.value ?? '/').length;
  const methods = ({ match }: Candidate): number => (match.method === undefined ? 1 : 0);
  const headers = ({ match }: Candidate): number => -(match.headers?.length ?? 0);
  const params = ({ match }: Candidate): number => -(match.queryParams?.length ?? 0);
  const byType = type(a) - type(b);
  if (byType !== 0) return byType;
  const byLength = length(b) - length(a);
  if (byLength !== 0) return byLength;
  for (const key of [methods, headers, params]) {
    const difference = key(a) - key(b);
    if (difference !== 0) return difference;
  }
  const [x, y] = [a.route.metadata, b.route.metadata];
  const ages = text(x.creationTimestamp ?? '', y.creationTimestamp ?? '');
  if (ages !== 0) return ages;
  const names = text(`${x.namespace ?? ''}/${x.name}`, `${y.namespace ?? ''}/${y.name}`);
  return names !== 0 ? names : a.rule - b.rule || a.index - b.index;
}

const text = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** The hostname that a listener and a route have in common; undefined: none. '' is any. */
export function meeting(listener: string, route: string): string | undefined {
  if (listener === '') return route;
  if (route === '' || listener === route) return listener;
  if (wildcardHolds(listener, route)) return route;
  if (wildcardHolds(route, listener)) return listener;
  return undefined;
}

/** `*.example.com` holds `a.example.com`, `a.b.example.com` and `*.b.example.com`, but not `example.com`. */
function wildcardHolds(wildcard: string, name: string): boolean {
  return wildcard.startsWith('*.') && name.endsWith(wildcard.slice(1)) && name.length > wildcard.length - 1 && name !== wildcard;
}
