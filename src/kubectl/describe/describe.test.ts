// The small rules of describe; its pages are compared with real kubectl's (differential.test.ts) and checked in as
// testdata/describe.txt.

import { describe, expect, it } from 'vitest';
import type { Event, ResourceSlice } from '../../cluster/api/generated/types.ts';
import { parseTime } from '../../cluster/sim/time.ts';
import { probeText } from './containers.ts';
import { describeEvents } from './events.ts';
import { fieldLabel } from './generic.ts';
import { annotations } from './metadata.ts';
import { resourceSlices } from './nodes.ts';
import { compactRules } from './rbac.ts';
import { endpointsText } from './services.ts';
import { dateText, Writer } from './writer.ts';

const NOW = '2026-11-21T13:00:00Z';
const write = (fill: (w: Writer) => void): string => {
  const w = new Writer(parseTime(NOW) as number);
  fill(w);
  return w.text();
};

describe('the pages of describe', () => {
  it('labels the fields of any object', () => {
    const fields = ['respectPDBs', 'HTTPSProxy', 'lastTransitionTime', 'apiVersion', 'uid', 'podCIDR', 'nonResourceURLs', 'clusterIPs', 'x', 'some_key', 'a1', 'other-key', 'IPFamilies'];
    expect(fields.map(fieldLabel)).toEqual(['Respect PDBs', 'HTTPSProxy', 'Last Transition Time', 'API Version', 'UID', 'Pod CIDR', 'Non Resource URLs', 'Cluster I Ps', 'X', 'some_key', 'a1', 'Other - Key', 'IPFamilies']);
  });

  it('writes dates as RFC 1123 with a numeric zone', () => {
    expect(['2026-11-21T13:05:09Z', '2024-02-29T23:59:59.123456Z', '1970-01-01T00:00:00Z', null].map(dateText)).toEqual([
      'Sat, 21 Nov 2026 13:05:09 +0000',
      'Thu, 29 Feb 2024 23:59:59 +0000',
      'Thu, 01 Jan 1970 00:00:00 +0000',
      'Mon, 01 Jan 0001 00:00:00 +0000',
    ]);
  });

  it('sorts events by when they were last seen', () => {
    const event = (reason: string, more: Partial<Event>) => ({ involvedObject: {}, reason, type: 'Normal', message: `${reason}.`, source: { component: 'kubelet' }, ...more }) as Event;
    const page = write((w) =>
      describeEvents(w, [
        event('Late', { firstTimestamp: '2026-11-21T12:58:00Z', lastTimestamp: '2026-11-21T12:59:30Z', count: 3 }),
        event('Early', { firstTimestamp: '2026-11-21T12:50:00Z', lastTimestamp: '2026-11-21T12:50:00Z', count: 1 }),
        event('Series', { eventTime: '2026-11-21T12:00:00.000000Z', series: { count: 5, lastObservedTime: '2026-11-21T12:59:00.000000Z' }, source: {}, reportingComponent: 'scheduler' }),
        event('Timeless', {}),
      ]),
    );
    expect(page).toBe(`Events:
  Type    Reason    Age                From       Message
  ----    ------    ----               ----       -------
  Normal  Series    60s (x5 over 60m)  scheduler  Series.
  Normal  Timeless  <unknown>          kubelet    Timeless.
  Normal  Early     10m                kubelet    Early.
  Normal  Late      30s (x3 over 2m)   kubelet    Late.
`);
  });

  it('shortens annotations and shows control characters', () => {
    const long = 'x'.repeat(200);
    expect(write((w) => annotations(w, 'Annotations', { b: long, a: 'red \u001b[31m', 'kubectl.kubernetes.io/last-applied-configuration': '{}' }))).toBe(`Annotations:  a: red ^[[31m\n              b:\n                ${long.slice(0, 138)}...\n`);
  });

  it('writes the addresses of probes as URLs', () => {
    expect(probeText({ httpGet: { path: 'a b?c', port: 'http', scheme: 'HTTPS', host: '::1' }, periodSeconds: 10 })).toBe('http-get https://[::1]:http/a%20b%3Fc delay=0s timeout=0s period=10s #success=0 #failure=0');
  });

  it('puts rules about one resource together', () => {
    const rules = compactRules([
      { apiGroups: ['', 'apps'], resources: ['pods'], verbs: ['get', 'list'] },
      { apiGroups: [''], resources: ['pods'], verbs: ['watch', 'get'] },
      { nonResourceURLs: ['/a', '/b'], verbs: ['get'] },
    ]);
    expect(rules).toEqual([
      { group: '', resource: 'pods', verbs: ['get', 'list', 'watch'] },
      { group: 'apps', resource: 'pods', verbs: ['get', 'list'] },
      { url: '/a', verbs: ['get'] },
      { url: '/b', verbs: ['get'] },
    ]);
  });

  it('shows three ready endpoints', () => {
    const slice = { ports: [{ name: '', port: 80 }], endpoints: [1, 2, 3, 4, 5].map((n) => ({ addresses: [`10.0.0.${n}`], conditions: { ready: n !== 2 } })) };
    expect(endpointsText([slice as never], '')).toBe('10.0.0.1:80,10.0.0.3:80,10.0.0.4:80 + 1 more...');
    expect(endpointsText([slice as never], 'other')).toBe('');
  });

  it('counts the devices of a node by pool', () => {
    const slice = (driver: string, pool: string, devices: number) => ({ spec: { driver, pool: { name: pool }, devices: Array(devices).fill({}) } }) as unknown as ResourceSlice;
    const page = write((w) => resourceSlices(w, [slice('gpu', 'b', 2), slice('gpu', 'a', 1), slice('gpu', 'b', 3)]));
    expect(page).toBe('Node-Local ResourceSlices:\n  Driver  Pool  Slices  Devices\n  ------  ----  ------  -------\n  gpu     a     1       1\n  gpu     b     2       5\n');
  });
});
