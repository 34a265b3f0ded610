import { describe, expect, test } from 'vitest';
import { sha256 } from '../sha256.ts';
import { serviceHash, servicePortName } from './names.ts';

const hex = (bytes: Uint8Array): string => [...bytes].map((b) => b.toString(16).padStart(2, '0')).join('');

describe('chain names', () => {
  test('sha256 of the published examples', () => {
    expect(hex(sha256('abc'))).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    expect(hex(sha256('abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq'))).toBe(
      '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
    );
  });

  // As iptables-save prints them on any kubeadm cluster.
  test.each([
    ['default', 'kubernetes', 'https', 'tcp', 'NPX46M4PTMTKRN6Y'],
    ['kube-system', 'kube-dns', 'dns', 'udp', 'TCOU7JCQXEZGVUNU'],
    ['kube-system', 'kube-dns', 'dns-tcp', 'tcp', 'ERIFXISQEP7F7OF4'],
    ['kube-system', 'kube-dns', 'metrics', 'tcp', 'JD5MR3NA4I4DYORP'],
  ] as const)('%s/%s:%s', (namespace, name, port, protocol, hash) => {
    expect(serviceHash(servicePortName(namespace, name, port), protocol)).toBe(hash);
  });
});
