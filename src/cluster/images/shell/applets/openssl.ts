// openssl as far as tutorials about TLS use it: `req` (a self-signed certificate, or a request), `x509` (what a certificate says, or signing a
// request), `s_client` (what a server shows).

import { createAuthority, createRequest, readCertificate, readRequest, signRequest } from '../../../api/pki.ts';
import { HttpClient } from '../../../network/http.ts';
import { lookupHost } from '../../../network/resolver.ts';
import { SocketError } from '../../../network/socket-error.ts';
import type { Op } from '../../../sim/simulation.ts';
import { formatTime, SECOND } from '../../../sim/time.ts';
import { type Applet, type AppletContext, AppletError } from '../applet.ts';
import { resolvePath } from '../shell.ts';
import { opensslTime, problemWith } from './curl.ts';

const DAY = 24 * 3600 * SECOND;

interface Options {
  readonly has: (name: string) => boolean;
  readonly value: (name: string) => string | undefined;
}

function optionsOf(args: readonly string[]): Options {
  return { has: (name) => args.includes(`-${name}`), value: (name) => (args.includes(`-${name}`) ? args[args.indexOf(`-${name}`) + 1] : undefined) };
}

/** `/C=DE/O=Acme/CN=demo.example.com` */
function subjectOf(text: string): { commonName: string; organizations: readonly string[] } {
  const parts = text.split('/').map((part) => part.split('='));
  return { commonName: parts.find(([k]) => k === 'CN')?.[1] ?? '', organizations: parts.filter(([k]) => k === 'O').map(([, v = '']) => v) };
}

const sansOf = (text: string): readonly string[] => [...text.matchAll(/(?:DNS|IP)(?::|\.\d+\s*=\s*)\s*([^,\s]+)/g)].map((m) => m[1] as string);

const read = (c: AppletContext, file: string): string => {
  const path = resolvePath(c.cwd, file);
  if (!c.os.files.exists(path)) throw new AppletError(`Can't open "${file}" for reading, No such file or directory`);
  return c.os.files.read(path);
};

const entropyOf = (c: AppletContext): string => c.os.sim.random(`openssl/${c.os.place}/${c.os.process.pid}/${c.os.sim.now}`).uuid();

export const openssl: Applet = function* (c) {
  const [command = '', ...args] = c.args;
  const options = optionsOf(args);
  switch (command) {
    case 'req':
      return yield* req(c, options, args);
    case 'x509':
      return yield* x509(c, options, args);
    case 's_client':
      return yield* client(c, options);
    case 'genrsa':
    case 'genpkey':
    case 'ecparam': {
      const { key } = createRequest({ commonName: 'key', entropy: entropyOf(c) });
      yield* put(c, options.value('out'), key);
      return 0;
    }
    case 'rand':
      yield* c.stdout.write(`${entropyOf(c).replaceAll('-', '').slice(0, 2 * Number(args.at(-1) ?? 16))}\n`);
      return 0;
    case 'version':
      yield* c.stdout.write('OpenSSL 3.5.4 30 Sep 2025 (Library: OpenSSL 3.5.4 30 Sep 2025)\n');
      return 0;
    default:
      throw new AppletError(`Invalid command '${command}'; type "help" for a list.`);
  }
};

function* put(c: AppletContext, file: string | undefined, text: string): Op<void> {
  if (file === undefined) yield* c.stdout.write(text);
  else c.os.files.write(resolvePath(c.cwd, file), text);
}

function* req(c: AppletContext, options: Options, args: readonly string[]): Op<number> {
  const config = options.value('config');
  const subject = subjectOf(options.value('subj') ?? '');
  const extension = args.flatMap((arg, i) => (arg === '-addext' ? [args[i + 1] ?? ''] : [])).join(',');
  const sans = sansOf(`${extension}\n${config === undefined || !c.os.files.exists(resolvePath(c.cwd, config)) ? '' : read(c, config)}`);
  const quiet = options.has('quiet') || !options.has('newkey');
  if (!quiet) yield* c.stderr.write('.....+......+++++++++++++++++++++++++++++++++++++++*.....+...+++++++++++++++++++++++++++++++++++++++*\n-----\n');
  yield* c.os.process.compute(180_000);
  const now = c.os.sim.epoch + c.os.sim.now;
  if (options.has('x509')) {
    const days = Number(options.value('days') ?? 30);
    const made = createAuthority({ ...subject, sans, notBefore: formatTime(now), notAfter: formatTime(now + days * DAY), entropy: entropyOf(c) });
    yield* put(c, options.value('keyout') ?? 'privkey.pem', made.key);
    yield* put(c, options.value('out'), made.certificate);
    return 0;
  }
  const made = createRequest({ ...subject, sans, entropy: entropyOf(c) });
  const known = options.value('key');
  // The key that is there already is replaced by the request's: a key here is no more than a name for its owner.
  yield* put(c, known ?? options.value('keyout') ?? 'privkey.pem', made.key);
  yield* put(c, options.value('out'), made.request);
  return 0;
}

function* x509(c: AppletContext, options: Options, args: readonly string[]): Op<number> {
  const file = options.value('in');
  let text = '';
  if (file !== undefined) text = read(c, file);
  else for (let line = yield* c.stdin.read(); line !== undefined; line = yield* c.stdin.read()) text += line;
  if (options.has('req')) {
    const request = readRequest(text);
    if (!request) throw new AppletError('Unable to load X509 request');
    const now = c.os.sim.epoch + c.os.sim.now;
    const extension = options.value('extfile');
    const sans = [...request.sans, ...(extension === undefined ? [] : sansOf(read(c, extension)))];
    const period = [formatTime(now), formatTime(now + Number(options.value('days') ?? 30) * DAY)] as const;
    const authority = { certificate: read(c, options.value('CA') ?? ''), key: read(c, options.value('CAkey') ?? '') };
    yield* put(c, options.value('out'), signRequest(authority, { ...request, sans }, ...period));
    yield* c.stderr.write(`Certificate request self-signature ok\nsubject=CN=${request.commonName}\n`);
    return 0;
  }
  const certificate = readCertificate(text);
  if (!certificate) throw new AppletError(`Could not find certificate from ${file ?? '<stdin>'}`);
  const name = (commonName: string, organizations: readonly string[]): string => [...organizations.map((o) => `O=${o}`), `CN=${commonName}`].join(', ');
  const { subject, issuer, notBefore, notAfter, sans, serial } = certificate;
  const self = issuer === subject.commonName;
  const facts: Readonly<Record<string, string>> = {
    subject: `subject=${name(subject.commonName, subject.organizations)}\n`,
    issuer: `issuer=${name(issuer, self ? subject.organizations : [])}\n`,
    dates: `notBefore=${opensslTime(notBefore)}\nnotAfter=${opensslTime(notAfter)}\n`,
    startdate: `notBefore=${opensslTime(notBefore)}\n`,
    enddate: `notAfter=${opensslTime(notAfter)}\n`,
    serial: `serial=${serial.toUpperCase()}\n`,
    ext: `X509v3 Subject Alternative Name: \n    ${sans.map((s) => `${/^[\d.]+$/.test(s) ? 'IP Address' : 'DNS'}:${s}`).join(', ')}\n`,
    text: `Certificate:\n    Data:\n        Version: 3 (0x2)\n        Serial Number:\n            ${serial}\n        Issuer: ${name(issuer, self ? subject.organizations : [])}\n        Validity\n            Not Before: ${opensslTime(notBefore)}\n            Not After : ${opensslTime(notAfter)}\n        Subject: ${name(subject.commonName, subject.organizations)}\n        X509v3 extensions:\n            X509v3 Subject Alternative Name: \n                ${sans.map((s) => `${/^[\d.]+$/.test(s) ? 'IP Address' : 'DNS'}:${s}`).join(', ')}\n`,
  };
  for (const arg of args) yield* c.stdout.write(facts[arg.slice(1)] ?? '');
  if (!options.has('noout')) yield* put(c, options.value('out'), `${text.split('-----END CERTIFICATE-----')[0] ?? ''}-----END CERTIFICATE-----\n`);
  return 0;
}

function* client(c: AppletContext, options: Options): Op<number> {
  const [host = '', port = '443'] = (options.value('connect') ?? '').split(':');
  const serverName = options.value('servername') ?? host;
  const [address] = (yield* lookupHost(c.os, host)) ?? [];
  if (address === undefined) throw new AppletError(`BIO_lookup_ex: Name or service not known\nconnect:errno=0`);
  let shown = '';
  const http = new HttpClient(c.os, { host: address, port: Number(port), keepAlive: false, tls: { serverName, verify: (text) => {
    shown = text;
    return null;
  } } });
  try {
    yield* http.request({ method: 'HEAD', path: '/', query: {}, headers: { host: serverName } }, 10 * SECOND);
  } catch (error) {
    if (!(error instanceof SocketError)) throw error;
    if (shown === '') {
      yield* c.stderr.write(error.code === 'ECONNREFUSED' ? 'connect:errno=111\n' : `${error.message}\n`);
      return 1;
    }
  }
  const certificate = readCertificate(shown);
  if (!certificate) {
    yield* c.stdout.write('CONNECTED(00000003)\n---\nno peer certificate available\n---\n');
    return 1;
  }
  const { subject, issuer } = certificate;
  const problem = problemWith(shown, serverName, '', c.os.sim.time());
  yield* c.stdout.write(`CONNECTED(00000003)\n---\nCertificate chain\n 0 s:CN=${subject.commonName}\n   i:CN=${issuer}\n---\nServer certificate\n${shown.split('-----BEGIN EC')[0] ?? ''}subject=CN=${subject.commonName}\nissuer=CN=${issuer}\n---\nVerify return code: ${problem === null ? '0 (ok)' : `18 (${problem.replace('SSL certificate problem: ', '')})`}\n---\n`);
  return 0;
}

