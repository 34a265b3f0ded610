// What CoreDNS counts for its plug-in prometheus. The text of /metrics is made when somebody asks for it (metrics-text.ts).

import type { DnsCode } from '../../network/dns.ts';
import { SECOND, type Micros } from '../../sim/time.ts';
import type { Request, Result } from './plugin.ts';

interface Distribution {
  count: number;
  sum: number;
  readonly values: number[];
}

const TYPES = new Set(['A', 'AAAA', 'CNAME', 'NS', 'PTR', 'SOA', 'SRV', 'TXT', 'MX', 'HTTPS', 'ANY']);

export class Metrics {
  /** By name and labels, as they are printed. */
  readonly counters = new Map<string, number>();
  /** Bucket bounds are the printer's: here is how often each bucket was hit. */
  readonly histograms = new Map<string, Distribution>();
  readonly gauges = new Map<string, number>();

  add(series: string, by = 1): void {
    this.counters.set(series, (this.counters.get(series) ?? 0) + by);
  }

  observe(series: string, value: number, bounds: readonly number[]): void {
    let d = this.histograms.get(series);
    if (d === undefined) this.histograms.set(series, (d = { count: 0, sum: 0, values: bounds.map(() => 0) }));
    d.count++;
    d.sum += value;
    const at = bounds.findIndex((bound) => value <= bound);
    if (at >= 0) d.values[at] = (d.values[at] ?? 0) + 1;
  }

  /** One query and its answer. */
  report({ query, protocol, server, zone }: Request, { reply, plugin }: Result, took: Micros, requestSize: number, responseSize: number): void {
    const type = TYPES.has(query.question.type) ? query.question.type : 'other';
    const where = `server="${server}"`;
    this.add(`coredns_dns_requests_total{family="1",proto="${protocol}",${where},type="${type}",view="",zone="${zone}"}`);
    this.add(`coredns_dns_responses_total{plugin="${plugin}",rcode="${reply.code satisfies DnsCode}",${where},view="",zone="${zone}"}`);
    this.observe(`coredns_dns_request_duration_seconds{${where},view="",zone="${zone}"}`, took / SECOND, TIME_BUCKETS);
    this.observe(`coredns_dns_request_size_bytes{proto="${protocol}",${where},view="",zone="${zone}"}`, requestSize, SIZE_BUCKETS);
    this.observe(`coredns_dns_response_size_bytes{proto="${protocol}",${where},view="",zone="${zone}"}`, responseSize, SIZE_BUCKETS);
  }
}

export const TIME_BUCKETS: readonly number[] = Array.from({ length: 16 }, (_, i) => 0.00025 * 2 ** i);
export const SIZE_BUCKETS: readonly number[] = [0, 100, 200, 300, 400, 511, 1023, 2047, 4095, 8291, 16_000, 32_000, 48_000, 64_000];
