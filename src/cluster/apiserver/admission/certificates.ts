// CertificateApproval, CertificateSigning and CertificateSubjectRestriction: who approves or signs needs the right to do so
// for that signer, and nobody asks for system:masters.

import type { CertificateSigningRequest } from '../../api/generated/types.ts';
import { fromBase64 } from '../../api/base64.ts';
import { readRequest } from '../../api/pki.ts';
import type { AdmissionPlugin, AdmissionRequest } from './chain.ts';
import { refused } from './refusal.ts';

const KEY = 'certificatesigningrequests.certificates.k8s.io';

/** The right to `verb` that signer, or all of its domain. */
function maySign({ server, user }: AdmissionRequest, verb: string, signer: string): boolean {
  const domain = `${signer.split('/')[0]}/*`;
  const common = {
    user,
    verb,
    isResource: true,
    group: 'certificates.k8s.io',
    resource: 'signers',
    subresource: '',
    namespace: '',
    path: '',
  };
  return [signer, domain].some((name) => server.authorizer.decide({ ...common, name }).allowed);
}

export const certificateApproval: AdmissionPlugin = {
  name: 'CertificateApproval',
  resources: [KEY],
  handles: ({ operation, subresource }) => operation === 'UPDATE' && subresource === 'approval',

  validate(request) {
    const { signerName } = (request.old as unknown as CertificateSigningRequest).spec;
    if (!maySign(request, 'approve', signerName)) {
      throw refused(request, `user not permitted to approve requests with signerName ${JSON.stringify(signerName)}`);
    }
  },
};

export const certificateSigning: AdmissionPlugin = {
  name: 'CertificateSigning',
  resources: [KEY],
  handles: ({ operation, subresource }) => operation === 'UPDATE' && subresource === 'status',

  validate(request) {
    const [now, old] = [request.object, request.old] as unknown as [CertificateSigningRequest, CertificateSigningRequest];
    if (now.status?.certificate === old.status?.certificate && now.status?.conditions === old.status?.conditions) return;
    const { signerName } = old.spec;
    if (!maySign(request, 'sign', signerName)) {
      throw refused(request, `user not permitted to sign requests with signerName ${JSON.stringify(signerName)}`);
    }
  },
};

const CLIENT_SIGNER = 'kubernetes.io/kube-apiserver-client';

export const certificateSubjectRestriction: AdmissionPlugin = {
  name: 'CertificateSubjectRestriction',
  resources: [KEY],
  handles: ({ operation, subresource }) => operation === 'CREATE' && subresource === '',

  validate(request) {
    const { signerName, request: pem } = (request.object as unknown as CertificateSigningRequest).spec;
    if (signerName !== CLIENT_SIGNER || !organizationsOf(pem).includes('system:masters')) return;
    throw refused(request, `use of ${CLIENT_SIGNER} signer with system:masters group is not allowed`);
  },
};

const organizationsOf = (encoded: string): readonly string[] => readRequest(fromBase64(encoded) ?? '')?.organizations ?? [];
