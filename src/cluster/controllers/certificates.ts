// What the two certificate controllers share: the conditions of a CertificateSigningRequest and the kubelet's client
// certificate as its signer wants it (pkg/apis/certificates/helpers.go).

import type { CertificateSigningRequest } from '../api/generated/types.ts';
import { fromBase64 } from '../api/base64.ts';
import { readRequest, type SigningRequest } from '../api/pki.ts';

export const KUBELET_CLIENT_SIGNER = 'kubernetes.io/kube-apiserver-client-kubelet';

export const hasCondition = (csr: CertificateSigningRequest, type: string): boolean =>
  (csr.status?.conditions ?? []).some((condition) => condition.type === type && condition.status !== 'False');

/** What the request asks for; null when it cannot be read. */
export function requestOf(csr: CertificateSigningRequest): SigningRequest | null {
  const text = fromBase64(csr.spec.request);
  return text === undefined ? null : readRequest(text);
}

/** A node's own identity, for use as a client, without alternative names. */
export function isKubeletClientRequest(csr: CertificateSigningRequest, request: SigningRequest): boolean {
  const usages = [...csr.spec.usages ?? []].sort().join(',');
  return (
    request.commonName.startsWith('system:node:') &&
    request.organizations.length === 1 &&
    request.organizations[0] === 'system:nodes' &&
    request.sans.length === 0 &&
    (usages === 'client auth,digital signature' || usages === 'client auth,digital signature,key encipherment')
  );
}
