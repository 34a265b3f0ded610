// Links carry a session there and back; hostile ones are refused without harm.

import { deflateSync, strToU8 } from 'fflate';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Action, SessionLog } from '../../session/protocol.ts';
import { decodeHash, encodeLog, parseLog } from './share.ts';

const log: SessionLog = {
  version: 1,
  seed: 7,
  topology: { controlPlanes: 1, workers: 3 },
  inputs: [
    { at: 10, action: { type: 'apply', text: 'kind: Pod\nmetadata: {name: 你好}\n' } },
    { at: 20, action: { type: 'kubectl', argv: ['delete', 'pod', 'a'] } },
  ],
  until: 1_000_000,
  view: 15,
};

const pack = (value: unknown): string => `#s=${Buffer.from(deflateSync(strToU8(JSON.stringify(value)))).toString('base64url')}`;

describe('share links', () => {
  it('round trip', () => {
    expect(decodeHash(encodeLog(log))).toEqual({ log });
    expect(encodeLog(log)).toMatch(/^#s=[\w-]+$/);
  });

  it('round trips every kind of input', () => {
    const actions: Action[] = [
      { type: 'delete', text: 'kind: Pod\n' },
      { type: 'terminal', keys: 'kubectl get pods\r' },
      { type: 'complete', argv: ['get', 'po'] },
      { type: 'terminal-size', columns: 120, rows: 30 },
      { type: 'http', id: 1, request: { method: 'POST', url: '/api/v1/namespaces', headers: { accept: '*/*' }, body: '{}', upgrade: true, admin: false } },
      { type: 'http-frame', id: 1, frame: { channel: 'stdin', data: 'ls\n' } },
      { type: 'http-frame', id: 1, frame: { channel: 'resize', columns: 80, rows: 24 } },
      { type: 'http-frame', id: 2, frame: { id: 0, open: 80 } },
      { type: 'http-end', id: 1, how: 'abort' },
    ];
    const whole: SessionLog = { ...log, epoch: 1_795_262_400_000_000, inputs: actions.map((action, at) => ({ at, action })) };
    expect(decodeHash(encodeLog(whole))).toEqual({ log: whole });
  });

  it('round trips any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme-composite', maxLength: 500 }), (text) => {
        const one: SessionLog = { ...log, inputs: [{ at: 1, action: { type: 'apply', text } }] };
        expect(decodeHash(encodeLog(one))).toEqual({ log: one });
      }),
    );
  });

  it.each([
    ['nothing', '', 'none'],
    ['another hash', '#about', 'none'],
    ['not base64', '#s=%%%%', 'broken'],
    ['not deflated', '#s=AAAA', 'broken'],
    ['cut short', encodeLog(log).slice(0, -20), 'broken'],
    ['not a log', pack({ hello: 1 }), 'broken'],
    ['unknown fields', pack({ ...log, extra: 1 }), 'broken'],
    ['a prototype', `#s=${Buffer.from(deflateSync(strToU8('{"version":1,"__proto__":{"x":1}}'))).toString('base64url')}`, 'broken'],
    ['wrong version', pack({ ...log, version: 2 }), 'broken'],
    ['inputs out of order', pack({ ...log, inputs: log.inputs.toReversed() }), 'broken'],
    ['a huge cluster', pack({ ...log, topology: { controlPlanes: 1, workers: 1e9 } }), 'broken'],
    ['endless time', pack({ ...log, until: 1e300 }), 'broken'],
    ['not a number', pack({ ...log, until: 'soon' }), 'broken'],
    ['a very long link', `#s=${'A'.repeat(2_000_000)}`, 'tooLong'],
    ['a bomb', `#s=${Buffer.from(deflateSync(new Uint8Array(60_000_000))).toString('base64url')}`, 'tooLong'],
  ])('refuses %s', (_name, hash, problem) => {
    const started = performance.now();
    expect(decodeHash(hash)).toEqual({ problem });
    expect(performance.now() - started).toBeLessThan(2_000);
  });

  it('never throws on anything', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(decodeHash(`#s=${text}`)).toHaveProperty('problem');
      }),
    );
    fc.assert(
      fc.property(fc.anything(), (value) => {
        expect(parseLog(value)).toBeNull();
      }),
    );
  });
});
