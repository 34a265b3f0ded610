// The annotations of ingress-nginx that change what nginx does (internal/ingress/annotations): what manifests use, with the
// controller's own defaults. Snippets are left out: the administrator's default forbids them.

import type { Ingress } from '../../api/generated/types.ts';

const PREFIX = 'nginx.ingress.kubernetes.io/';

export interface Canary {
  readonly weight: number;
  readonly weightTotal: number;
  readonly header: string;
  readonly headerValue: string;
  readonly headerPattern: string;
  readonly cookie: string;
}

export interface CookieAffinity {
  readonly name: string;
  readonly maxAge: string;
  readonly expires: string;
  readonly path: string;
  readonly sameSite: string;
  readonly secure: boolean;
}

export interface Annotations {
  readonly rewriteTarget: string;
  readonly useRegex: boolean;
  readonly appRoot: string;
  readonly sslRedirect: boolean;
  readonly forceSslRedirect: boolean;
  readonly preserveTrailingSlash: boolean;
  readonly redirect: { readonly url: string; readonly code: number } | null;
  readonly fromToWww: boolean;
  readonly aliases: readonly string[];
  readonly allowlist: readonly string[];
  readonly denylist: readonly string[];
  readonly backendProtocol: string;
  readonly bodySize: string;
  readonly connectTimeout: string;
  readonly readTimeout: string;
  readonly sendTimeout: string;
  readonly upstreamVhost: string;
  readonly forwardedPrefix: string;
  readonly serviceUpstream: boolean;
  readonly loadBalance: string;
  readonly hashBy: string;
  readonly affinity: CookieAffinity | null;
  readonly canary: Canary | null;
  readonly defaultBackend: string;
  readonly cors: { readonly origin: string; readonly methods: string; readonly headers: string; readonly credentials: boolean; readonly maxAge: string } | null;
  readonly accessLog: boolean;
  /** auth-url: who is asked for each request, and where one who may not enter is sent. */
  readonly auth: { readonly url: string; readonly method: string; readonly signin: string; readonly responseHeaders: readonly string[] } | null;
}

const CORS_METHODS = 'GET, PUT, POST, DELETE, PATCH, OPTIONS';
const CORS_HEADERS =
  'DNT,Keep-Alive,User-Agent,X-Requested-With,If-Modified-Since,Cache-Control,Content-Type,Range,Authorization';

export function annotationsOf({ metadata }: Ingress): Annotations {
  const given = metadata.annotations ?? {};
  const text = (name: string, otherwise = ''): string => given[PREFIX + name] ?? otherwise;
  const yes = (name: string, otherwise = false): boolean => (given[PREFIX + name] === undefined ? otherwise : /^(true|1|t)$/i.test(text(name)));
  const list = (name: string): readonly string[] => text(name).split(',').map((s) => s.trim()).filter((s) => s !== '');
  const count = (name: string, otherwise: number): number => (/^\d+$/.test(text(name)) ? Number(text(name)) : otherwise);
  const temporal = text('temporal-redirect');
  const permanent = text('permanent-redirect');
  return {
    rewriteTarget: text('rewrite-target'),
    useRegex: yes('use-regex'),
    appRoot: text('app-root'),
    sslRedirect: yes('ssl-redirect', true),
    forceSslRedirect: yes('force-ssl-redirect'),
    preserveTrailingSlash: yes('preserve-trailing-slash'),
    redirect: temporal !== '' ? { url: temporal, code: count('temporal-redirect-code', 302) } : permanent !== '' ? { url: permanent, code: count('permanent-redirect-code', 301) } : null,
    fromToWww: yes('from-to-www-redirect'),
    aliases: list('server-alias'),
    allowlist: [...list('whitelist-source-range'), ...list('allowlist-source-range')],
    denylist: list('denylist-source-range'),
    backendProtocol: text('backend-protocol', 'HTTP').toUpperCase(),
    bodySize: text('proxy-body-size', '1m'),
    connectTimeout: text('proxy-connect-timeout', '5'),
    readTimeout: text('proxy-read-timeout', '60'),
    sendTimeout: text('proxy-send-timeout', '60'),
    upstreamVhost: text('upstream-vhost'),
    forwardedPrefix: text('x-forwarded-prefix'),
    serviceUpstream: yes('service-upstream'),
    loadBalance: text('load-balance'),
    hashBy: text('upstream-hash-by'),
    affinity:
      text('affinity') === 'cookie'
        ? {
            name: text('session-cookie-name', 'INGRESSCOOKIE'), maxAge: text('session-cookie-max-age'), expires: text('session-cookie-expires'), path: text('session-cookie-path'),
            sameSite: text('session-cookie-samesite'), secure: yes('session-cookie-secure'),
          }
        : null,
    canary: yes('canary')
      ? {
          weight: count('canary-weight', 0), weightTotal: count('canary-weight-total', 100), header: text('canary-by-header'), headerValue: text('canary-by-header-value'),
          headerPattern: text('canary-by-header-pattern'), cookie: text('canary-by-cookie'),
        }
      : null,
    defaultBackend: text('default-backend'),
    cors: yes('enable-cors')
      ? {
          origin: text('cors-allow-origin', '*'), methods: text('cors-allow-methods', CORS_METHODS), headers: text('cors-allow-headers', CORS_HEADERS),
          credentials: yes('cors-allow-credentials', true), maxAge: text('cors-max-age', '1728000'),
        }
      : null,
    accessLog: yes('enable-access-log', true),
    auth: text('auth-url') === '' ? null : { url: text('auth-url'), method: text('auth-method'), signin: text('auth-signin'), responseHeaders: list('auth-response-headers') },
  };
}

/** What the admission webhook refuses while snippets are disabled; null when there is nothing. */
export function forbiddenAnnotation({ metadata }: Ingress): string | null {
  for (const key of Object.keys(metadata.annotations ?? {})) {
    if (key.startsWith(PREFIX) && key.endsWith('-snippet')) return `${key} annotation cannot be used. Snippet directives are disabled by the Ingress administrator`;
  }
  return null;
}
