// CertificateSigningRequests (kubectl/pkg/describe describeCertificateSigningRequest).

import type { CertificateSigningRequest } from '../../cluster/api/generated/types.ts';
import { labelsText } from '../../cluster/api/table/format.ts';
import type { Op } from '../../cluster/sim/simulation.ts';
import { humanDuration } from '../duration.ts';
import { head } from './metadata.ts';
import type { Page } from './page.ts';
import { readSigningRequest } from './signing-request.ts';
import { dateText, type Writer } from './writer.ts';

function statusText({ status }: CertificateSigningRequest): string {
  const types = new Set((status?.conditions ?? []).map((c) => c.type));
  const decided = types.has('Denied') ? 'Denied' : types.has('Approved') ? 'Approved' : 'Pending';
  return `${decided}${types.has('Failed') ? ',Failed' : ''}${status?.certificate ? ',Issued' : ''}`;
}

export function* describeSigningRequest(page: Page, csr: CertificateSigningRequest): Op<void> {
  const { metadata, spec } = csr;
  const { subject, names } = readSigningRequest(spec.request);
  head(page, metadata, false);
  page.write(0, `Labels:\t${labelsText(metadata.labels)}\n`);
  page.write(0, `Annotations:\t${labelsText(metadata.annotations)}\n`);
  page.write(0, `CreationTimestamp:\t${dateText(metadata.creationTimestamp)}\n`);
  page.write(0, `Requesting User:\t${spec.username ?? ''}\n`);
  if (spec.signerName) page.write(0, `Signer:\t${spec.signerName}\n`);
  if (spec.expirationSeconds !== undefined) page.write(0, `Requested Duration:\t${humanDuration(spec.expirationSeconds)}\n`);
  page.write(0, `Status:\t${statusText(csr)}\n`);
  page.write(0, 'Subject:\n');
  page.write(0, `\tCommon Name:\t${subject.commonName.at(-1) ?? ''}\n`);
  page.write(0, `\tSerial Number:\t${subject.serialNumber.at(-1) ?? ''}\n`);
  several(page, 'Organization', subject.organization);
  several(page, 'Organizational Unit', subject.organizationalUnit);
  several(page, 'Country', subject.country);
  several(page, 'Locality', subject.locality);
  several(page, 'Province', subject.province);
  several(page, 'StreetAddress', subject.street);
  several(page, 'PostalCode', subject.postalCode);
  if (names.dns.length + names.email.length + names.uri.length + names.ip.length > 0) {
    page.write(0, 'Subject Alternative Names:\n');
    several(page, 'DNS Names', names.dns);
    several(page, 'Email Addresses', names.email);
    several(page, 'URIs', names.uri);
    several(page, 'IP Addresses', names.ip);
  }
  yield* page.events(csr);
}

function several(w: Writer, title: string, values: readonly string[]): void {
  if (values.length > 0) w.write(0, `\t${title}:\t${values.join('\n\t\t')}\n`);
}
