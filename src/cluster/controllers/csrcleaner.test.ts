// How long certificate requests stay (the constants of upstream's pkg/controller/certificates/cleaner).

import { expect, it } from 'vitest';
import type { CertificateSigningRequest } from '../api/generated/types.ts';
import { formatTime, HOUR, MINUTE } from '../sim/time.ts';
import { isOver } from './csrcleaner.ts';

const NOW = 1_000 * HOUR;
const request = (age: number, condition?: readonly [type: string, age: number]): CertificateSigningRequest =>
  ({
    metadata: { name: 'r', creationTimestamp: formatTime(NOW - age) },
    status: condition === undefined ? {} : { conditions: [{ type: condition[0], status: 'True', lastUpdateTime: formatTime(NOW - condition[1]) }] },
  }) as unknown as CertificateSigningRequest;

it.each<[string, CertificateSigningRequest, boolean]>([
  ['pending for 23 hours', request(23 * HOUR), false],
  ['pending for 25 hours', request(25 * HOUR), true],
  ['approved 59 minutes ago', request(25 * HOUR, ['Approved', 59 * MINUTE]), false],
  ['approved 61 minutes ago', request(2 * HOUR, ['Approved', 61 * MINUTE]), true],
  ['denied 61 minutes ago', request(2 * HOUR, ['Denied', 61 * MINUTE]), true],
  ['failed 61 minutes ago', request(2 * HOUR, ['Failed', 61 * MINUTE]), true],
])('%s', (_, csr, over) => expect(isOver(csr, NOW)).toBe(over));
