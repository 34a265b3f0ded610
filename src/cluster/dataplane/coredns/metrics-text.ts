// The text of CoreDNS' /metrics (Prometheus exposition format 0.0.4).

import { type Metrics, SIZE_BUCKETS, TIME_BUCKETS } from './metrics.ts';

/** Type and help of each metric. */
const ABOUT: Readonly<Record<string, readonly ['counter' | 'gauge' | 'histogram', string]>> = {
  coredns_build_info: ['gauge', "A metric with a constant '1' value labeled by version, revision, and goversion from which CoreDNS was built."],
  coredns_cache_entries: ['gauge', 'The number of elements in the cache.'],
  coredns_cache_hits_total: ['counter', 'The count of cache hits.'],
  coredns_cache_misses_total: ['counter', 'The count of cache misses. Deprecated, derive misses from cache hits/requests counters.'],
  coredns_cache_requests_total: ['counter', 'The count of cache requests.'],
  coredns_dns_request_duration_seconds: ['histogram', 'Histogram of the time (in seconds) each request took per zone.'],
  coredns_dns_request_size_bytes: ['histogram', 'Size of the EDNS0 UDP buffer in bytes (64K for TCP) per zone and protocol.'],
  coredns_dns_requests_total: ['counter', 'Counter of DNS requests made per zone, protocol and family.'],
  coredns_dns_response_size_bytes: ['histogram', 'Size of the returned response in bytes.'],
  coredns_dns_responses_total: ['counter', 'Counter of response status codes.'],
  coredns_forward_healthcheck_broken_total: ['counter', 'Counter of the number of complete failures of the healthchecks.'],
  coredns_forward_max_concurrent_rejects_total: ['counter', 'Counter of the number of queries rejected because the concurrent queries were at maximum.'],
  coredns_hosts_entries: ['gauge', 'The combined number of entries in hosts and Corefile.'],
  coredns_panics_total: ['counter', 'A metrics that counts the number of panics.'],
  coredns_plugin_enabled: ['gauge', 'A metric that indicates whether a plugin is enabled on per server and zone basis.'],
  coredns_proxy_healthcheck_failures_total: ['counter', 'Counter of the number of failed healthchecks.'],
  coredns_proxy_request_duration_seconds: ['histogram', 'Histogram of the time each request took.'],
  coredns_reload_failed_total: ['counter', 'Counter of the number of failed reload attempts.'],
  coredns_reload_version_info: ['gauge', 'A metric with a constant value labeled by hash, and value which type of hash generated.'],
};

/** Those that are there before anything happens. */
const FROM_ZERO = ['coredns_forward_healthcheck_broken_total', 'coredns_forward_max_concurrent_rejects_total', 'coredns_panics_total', 'coredns_reload_failed_total'];

const nameOf = (series: string): string => series.split('{')[0] as string;

export function metricsText(metrics: Metrics): string {
  const lines = new Map<string, string[]>();
  const print = (series: string, text: readonly string[]): void => {
    const name = nameOf(series);
    const own = lines.get(name);
    if (own === undefined) lines.set(name, [...text]);
    else own.push(...text);
  };
  for (const name of FROM_ZERO) if (!metrics.counters.has(name)) print(name, [`${name} 0`]);
  for (const map of [metrics.counters, metrics.gauges]) for (const [series, value] of map) print(series, [`${series} ${value}`]);
  for (const [series, { count, sum, values }] of metrics.histograms) {
    const bounds = values.length === TIME_BUCKETS.length ? TIME_BUCKETS : SIZE_BUCKETS;
    const labels = series.slice(nameOf(series).length).slice(1, -1);
    let below = 0;
    const buckets = bounds.map((bound, i) => {
      below += values[i] ?? 0;
      return `${nameOf(series)}_bucket{${labels},le="${bound}"} ${below}`;
    });
    print(series, [...buckets, `${nameOf(series)}_bucket{${labels},le="+Inf"} ${count}`, `${nameOf(series)}_sum{${labels}} ${sum}`, `${nameOf(series)}_count{${labels}} ${count}`]);
  }
  return [...lines]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, text]) => {
      const [type, help] = ABOUT[name] ?? ['counter', ''];
      return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${text.toSorted(inOrder).join('\n')}\n`;
    })
    .join('');
}

/** By labels; the lines of a histogram stay as they are. */
const inOrder = (a: string, b: string): number => (a.includes('le=') || b.includes('le=') || /_(sum|count)[{ ]/.test(a + b) ? 0 : a < b ? -1 : 1);
