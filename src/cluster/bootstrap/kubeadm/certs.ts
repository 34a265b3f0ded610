// kubeadm phase certs (app/phases/certs): three authorities and what they sign, as files under /etc/kubernetes/pki.

import { createAuthority, issueCertificate, type KeyedCertificate } from '../../api/pki.ts';
import { createSigningKey } from '../../api/signing-key.ts';
import type { Os } from '../../machine/process.ts';
import type { Random } from '../../sim/random.ts';
import { HOUR, MINUTE } from '../../sim/time.ts';
import { type KubeadmConfig, nthAddress, PKI } from './config.ts';

const YEAR = 365 * 24 * HOUR;
const BACKDATE = 5 * MINUTE;

export interface CertificateWish {
  readonly commonName: string;
  readonly organizations?: readonly string[];
  readonly sans?: readonly string[];
}

/** Makes and signs certificates with the clock and the random stream of one kubeadm process. */
export class CertificateMaker {
  readonly #os: Os;
  readonly #random: Random;

  constructor(os: Os) {
    this.#os = os;
    this.#random = os.sim.random(`kubeadm/${os.machine.name}`);
  }

  /** A new authority under `<PKI>/<base>.crt` and `.key`. */
  authority(base: string, commonName: string): KeyedCertificate {
    return this.#write(base, createAuthority({ commonName, ...this.#validity(10) }));
  }

  /** A certificate under `<PKI>/<base>.crt` and `.key`. */
  certificate(base: string, authority: KeyedCertificate, wish: CertificateWish): KeyedCertificate {
    return this.#write(base, this.issue(authority, wish));
  }

  /** A certificate that is only kept inside a kubeconfig. */
  issue(authority: KeyedCertificate, wish: CertificateWish): KeyedCertificate {
    return issueCertificate(authority, { ...wish, ...this.#validity(1) });
  }

  /** The key pair that signs ServiceAccount tokens. */
  keyPair(base: string): void {
    const pair = createSigningKey(this.#random.uuid());
    this.#os.files.write(`${PKI}/${base}.key`, pair.privateKey, 0o600);
    this.#os.files.write(`${PKI}/${base}.pub`, pair.publicKey, 0o600);
  }

  #write(base: string, pair: KeyedCertificate): KeyedCertificate {
    this.#os.files.write(`${PKI}/${base}.crt`, pair.certificate, 0o644);
    this.#os.files.write(`${PKI}/${base}.key`, pair.key, 0o600);
    return pair;
  }

  #validity(years: number): { readonly notBefore: string; readonly notAfter: string; readonly entropy: string } {
    const { sim } = this.#os;
    return { notBefore: sim.time(sim.now - BACKDATE), notAfter: sim.time(sim.now + years * YEAR), entropy: this.#random.uuid() };
  }
}

/** Writes all of a control plane's certificates; returns the cluster's authority. */
export function writeCertificates(maker: CertificateMaker, config: KubeadmConfig): KeyedCertificate {
  const { nodeName, advertiseAddress, dnsDomain } = config;
  const ca = maker.authority('ca', 'kubernetes');
  maker.certificate('apiserver', ca, {
    commonName: 'kube-apiserver',
    sans: [
      nodeName,
      'kubernetes',
      'kubernetes.default',
      'kubernetes.default.svc',
      `kubernetes.default.svc.${dnsDomain}`,
      nthAddress(config.serviceSubnet, 1),
      advertiseAddress,
    ],
  });
  maker.certificate('apiserver-kubelet-client', ca, {
    commonName: 'kube-apiserver-kubelet-client',
    organizations: ['kubeadm:cluster-admins'],
  });
  const frontProxy = maker.authority('front-proxy-ca', 'front-proxy-ca');
  maker.certificate('front-proxy-client', frontProxy, { commonName: 'front-proxy-client' });
  const etcd = maker.authority('etcd/ca', 'etcd-ca');
  const etcdSans = [nodeName, 'localhost', advertiseAddress, '127.0.0.1', '::1'];
  maker.certificate('etcd/server', etcd, { commonName: nodeName, sans: etcdSans });
  maker.certificate('etcd/peer', etcd, { commonName: nodeName, sans: etcdSans });
  maker.certificate('etcd/healthcheck-client', etcd, { commonName: 'kube-etcd-healthcheck-client' });
  maker.certificate('apiserver-etcd-client', etcd, { commonName: 'kube-apiserver-etcd-client' });
  maker.keyPair('sa');
  return ca;
}
