import { expect, test } from 'vitest';
import { fromBase64, toBase64 } from './base64.ts';
import {
  createAuthority,
  createRequest,
  issueCertificate,
  readRequest,
  type SigningRequest,
  signRequest,
  verifyCertificate,
} from './pki.ts';

const dates = { notBefore: '2026-01-01T00:00:00Z', notAfter: '2027-01-01T00:00:00Z' };
const ca = createAuthority({ commonName: 'kubernetes', ...dates, entropy: 'seed' });

test('a certificate says who somebody is, to those who trust its authority', () => {
  const admin = issueCertificate(ca, { commonName: 'kubernetes-admin', organizations: ['kubeadm:cluster-admins'], ...dates, entropy: 'a' });
  expect(admin.certificate).toMatch(/^-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]+-----END CERTIFICATE-----\n$/);
  expect(verifyCertificate(admin.certificate, ca.certificate)).toEqual({ user: 'kubernetes-admin', groups: ['kubeadm:cluster-admins'] });
  const other = createAuthority({ commonName: 'kubernetes', ...dates, entropy: 'other' });
  expect(verifyCertificate(admin.certificate, other.certificate)).toBeNull();
  expect(verifyCertificate(admin.certificate, other.certificate + ca.certificate)).not.toBeNull();
  expect(verifyCertificate(admin.certificate, ca.certificate, '2028-01-01T00:00:00Z')).toBeNull();
  expect(verifyCertificate('nonsense', ca.certificate)).toBeNull();
  const body = JSON.parse(fromBase64(admin.certificate.split('-----')[2]?.replaceAll('\n', '') ?? '') ?? '') as {
    subject: { organizations: string[] };
  };
  body.subject.organizations = ['system:masters'];
  const forged = `-----BEGIN CERTIFICATE-----\n${toBase64(JSON.stringify(body))}\n-----END CERTIFICATE-----\n`;
  expect(verifyCertificate(forged, ca.certificate)).toBeNull();
  expect(() => issueCertificate({ ...ca, key: other.key }, { commonName: 'x', ...dates, entropy: 'b' })).toThrow(
    'the private key does not belong to the certificate',
  );
});

test('a signing request is answered with a certificate for its own key', () => {
  const { request } = createRequest({ commonName: 'system:node:worker-1', organizations: ['system:nodes'], entropy: 'n' });
  const read = readRequest(request) as SigningRequest;
  expect(read).toMatchObject({ commonName: 'system:node:worker-1' });
  const certificate = signRequest(ca, read, dates.notBefore, dates.notAfter);
  expect(verifyCertificate(certificate, ca.certificate)?.groups).toEqual(['system:nodes']);
});

test('base64 carries UTF-8', () => {
  for (const text of ['', 'a', 'ab', 'abc', 'Größe 中文 🚀', '\u0000']) expect(fromBase64(toBase64(text))).toBe(text);
  expect(toBase64('Größe')).toBe('R3LDtsOfZQ==');
  expect(fromBase64('a b')).toBeUndefined();
});
