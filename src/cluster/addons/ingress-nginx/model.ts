// What the controller makes of Ingresses before it writes nginx' configuration (pkg/apis/ingress/types.go).

import type { Ingress, Service } from '../../api/generated/types.ts';
import type { Annotations, Canary, CookieAffinity } from './annotations.ts';

export interface Endpoint {
  readonly address: string;
  readonly port: string;
}

/** An upstream: where a Service's requests go. */
export interface Backend {
  readonly name: string;
  port: string;
  service: Service | undefined;
  endpoints: readonly Endpoint[];
  loadBalance: string;
  hashBy: string;
  affinity: CookieAffinity | null;
  /** Only reached through another backend: a canary's. */
  noServer: boolean;
  canary: Canary | null;
  alternatives: string[];
}

export type PathType = 'Exact' | 'Prefix';

export interface Location {
  path: string;
  /** As the Ingress has it. */
  ingressPath: string;
  pathType: PathType;
  isDefault: boolean;
  backend: string;
  service: Service | undefined;
  port: string;
  ingress: Ingress | undefined;
  annotations: Annotations;
}

export interface SslCertificate {
  /** `default/web-tls`, or the fake one's name. */
  readonly name: string;
  readonly pem: string;
}

export interface Server {
  readonly hostname: string;
  aliases: readonly string[];
  locations: Location[];
  certificate: SslCertificate | null;
  fromToWww: boolean;
}

export interface Model {
  readonly backends: readonly Backend[];
  readonly servers: readonly Server[];
}

/** The objects that the model is made from. */
export interface World {
  /** Valid ones, the oldest first. */
  readonly ingresses: readonly Ingress[];
  service(namespace: string, name: string): Service | undefined;
  /** Ready addresses for a port of a Service. */
  endpoints(service: Service, port: NonNullable<Service['spec']['ports']>[number]): readonly Endpoint[];
  /** Null: there is no such Secret, or none with a certificate in it. */
  certificate(namespace: string, name: string): SslCertificate | string;
  readonly fake: SslCertificate;
  readonly now: string;
  /** `--default-backend-service`. */
  readonly defaultService: string;
  warn(where: string, text: string): void;
}

export const DEFAULT_SERVER = '_';
export const DEFAULT_BACKEND = 'upstream-default-backend';
