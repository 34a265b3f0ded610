// kubectl create ingress (kubectl/pkg/cmd/create/create_ingress.go).

import { flag, type Flags } from '../flag-set.ts';
import { CommandError } from '../print/error.ts';
import { generatorCommand, type Json } from './generator.ts';

/** `host/path=service:port[,tls[=secret]]`; what follows is upstream's to ignore. */
const RULE = /^[\w*\-.]*\/.*=[\w-]+:[\w-]+(,tls=?([\w-]+)?)?/;

function backend(text: string): Json {
  const [name = '', port = ''] = text.split(':');
  return { service: { name, port: /^[+-]?\d+$/.test(port) ? { number: Number(port) } : { name: port } } };
}

function pathOf(text: string): Json {
  const [given = '', service = ''] = text.split('=');
  const path = `/${given}`;
  const prefix = path.endsWith('*');
  return { path: prefix ? path.slice(0, -1) : path, pathType: prefix ? 'Prefix' : 'Exact', backend: backend(service) };
}

/** One rule a host; the paths of a host stand together. */
function rulesOf(rules: readonly string[]): readonly Json[] {
  const hosts = new Map<string, Json[]>();
  for (const rule of rules) {
    const plain = rule.split(',')[0] as string;
    const slash = plain.indexOf('/');
    const host = plain.slice(0, slash);
    const paths = hosts.get(host) ?? [];
    paths.push(pathOf(plain.slice(slash + 1)));
    hosts.set(host, paths);
  }
  return [...hosts].map(([host, paths]) => ({ ...(host === '' ? {} : { host }), http: { paths } }));
}

/** The hosts that want TLS, those of a secret together; a host counts once. */
function tlsOf(rules: readonly string[]): readonly Json[] {
  const seen = new Set<string>();
  const made: { hosts: string[]; secretName: string }[] = [];
  for (const rule of rules) {
    const [, tls, ...more] = rule.split(',');
    if (tls === undefined || more.length > 0) continue;
    const host = rule.split('/')[0] as string;
    if (seen.has(host)) continue;
    seen.add(host);
    const secretName = tls.split('=')[1] ?? '';
    const same = made.find((t) => t.secretName === secretName);
    if (same) same.hosts.push(host);
    else if (host !== '' || secretName !== '') made.push({ hosts: host === '' ? [] : [host], secretName });
  }
  return made.map(({ hosts, secretName }) => ({ ...(hosts.length > 0 ? { hosts } : {}), ...(secretName === '' ? {} : { secretName }) }));
}

function check(flags: Flags): void {
  const [rules, defaultBackend] = [flags.list('rule'), flags.text('default-backend')];
  if (defaultBackend === '' && rules.length === 0) {
    throw new CommandError('not enough information provided: every ingress has to either specify a default-backend (which catches all traffic) or a list of rules (which catch specific paths)');
  }
  const wrong = rules.find((rule) => !RULE.test(rule));
  if (wrong !== undefined) throw new CommandError(`rule ${wrong} is invalid and should be in format host/path=svcname:svcport[,tls[=secret]]`);
  const annotation = flags.list('annotation').find((text) => !text.includes('='));
  if (annotation !== undefined) throw new CommandError(`annotation ${annotation} is invalid and should be in format key=[value]`);
  if (defaultBackend !== '' && defaultBackend.split(':').length !== 2) throw new CommandError('default-backend should be in format servicename:serviceport');
}

export const CREATE_INGRESS = generatorCommand({
  name: 'ingress',
  aliases: ['ing'],
  use: 'ingress NAME --rule=host/path=service:port[,tls[=secret]] ',
  short: 'Create an ingress with the specified name',
  examples: '# One path\nkubectl create ingress web --rule="example.com/=web:80"\n\n# All paths below another one, with TLS\nkubectl create ingress web --class=nginx --rule="example.com/shop*=shop:8080,tls=shop-cert"\n\n# Everything\nkubectl create ingress all --default-backend=web:http',
  flags: [
    flag.array('annotation', 'An annotation of the ingress, KEY=VALUE.'),
    flag.string('class', 'The ingress class.'),
    flag.string('default-backend', 'The service for what no rule fits, SERVICE:PORT.'),
    flag.array('rule', "A rule, HOST/PATH=SERVICE:PORT[,tls=SECRET]. A path that ends with '*' is a prefix."),
  ],
  failed: 'failed to create ingress: ',
  make(_context, flags, name) {
    check(flags);
    const [ingressClassName, defaultBackend] = [flags.text('class'), flags.text('default-backend')];
    const [tls, rules] = [tlsOf(flags.list('rule')), rulesOf(flags.list('rule'))];
    const annotations = Object.fromEntries(flags.list('annotation').map((text) => [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)]));
    return {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      metadata: { name, ...(Object.keys(annotations).length > 0 ? { annotations } : {}) },
      spec: {
        ...(ingressClassName === '' ? {} : { ingressClassName }),
        ...(defaultBackend === '' ? {} : { defaultBackend: backend(defaultBackend) }),
        ...(tls.length > 0 ? { tls } : {}),
        ...(rules.length > 0 ? { rules } : {}),
      },
    };
  },
});
