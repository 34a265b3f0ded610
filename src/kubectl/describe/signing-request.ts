// What a certificate signing request asks for: PKCS #10 in DER as openssl and client-go make them, or the form that the
// simulated machines use (api/pki.ts).

import { base64ToBytes, fromBase64 } from '../../cluster/api/base64.ts';
import { emptyRequest, readPkcs10, type RequestedNames } from '../../cluster/api/pkcs10.ts';
import { readRequest } from '../../cluster/api/pki.ts';
import { CommandError } from '../print/error.ts';

const ADDRESS = /^(\d+\.){3}\d+$|:/;

/** `spec.request` of a CertificateSigningRequest. Throws CommandError for what is none. */
export function readSigningRequest(base64: string): RequestedNames {
  const pem = fromBase64(base64) ?? '';
  const block = /-----BEGIN (?:NEW )?CERTIFICATE REQUEST-----([^-]*)-----END/.exec(pem);
  if (!block) throw new CommandError('Error parsing CSR: PEM block type must be CERTIFICATE REQUEST');
  const outside = readPkcs10(base64ToBytes((block[1] as string).replace(/\s/g, '')) ?? []);
  if (outside) return outside;
  const simulated = readRequest(pem);
  if (!simulated) throw new CommandError("Error parsing CSR: asn1: structure error: tags don't match");
  const { subject, names } = emptyRequest();
  subject.commonName.push(simulated.commonName);
  subject.organization.push(...simulated.organizations);
  for (const name of simulated.sans) names[ADDRESS.test(name) ? 'ip' : 'dns'].push(name);
  return { subject, names };
}
