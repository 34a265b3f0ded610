// /openapi/v3, its index and its group versions, and /openapi/v2 (kube-openapi's handler3 and handler): documents carry
// their hash, clients keep them for a year under the URL that names it.

import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import type { ResourceKind } from '../../api/kinds.ts';
import { noSuchPath, serviceUnavailable } from '../../api/status.ts';
import type { HttpResponse } from '../../network/http.ts';
import { formatTime } from '../../sim/time.ts';
import type { Exchange } from '../server.ts';
import { type Document, v2Document, v3Document, v3Root } from './documents.ts';
import { type OpenApiPool, openApiPool } from './pool.ts';

const YEAR_MICROS = 365 * 86_400 * 1_000_000;
const ROOTS = ['.well-known/openid-configuration', 'api', 'apis', 'openid/v1/jwks', 'version'];

/** What one state of a server's kinds makes: hashes at once, documents when asked for. */
interface Book {
  readonly revision: number;
  readonly pool: OpenApiPool;
  /** By the name in the index: `api/v1`, `apis/apps/v1`, `apis/apps`, `version`. */
  readonly hashes: ReadonlyMap<string, string>;
  readonly documents: Map<string, Document>;
}

const books = new WeakMap<object, Book>();

const entryOf = (groupVersion: string): string => (groupVersion.includes('/') ? `apis/${groupVersion}` : `api/${groupVersion}`);
const hex = (text: string): string => bytesToHex(sha256(utf8ToBytes(text))).toUpperCase();

/** The same kinds have the same document: what names them is hashed in its place. */
function fingerprint(kinds: readonly ResourceKind[]): string {
  return kinds
    .map(
      (k) =>
        `${k.key} ${k.kind} ${k.verbs} ${k.subresources.map((s) => s.name)} ${k.custom === null ? '' : JSON.stringify(k.custom.schema)}`,
    )
    .join('\n');
}

function bookOf(x: Exchange, pool: OpenApiPool): Book {
  const { kinds } = x.server;
  const known = books.get(kinds);
  if (known && known.revision === kinds.revision && known.pool === pool) return known;
  const hashes = new Map<string, string>();
  for (const root of ROOTS) hashes.set(root, hex(`v1.36.0 ${root}`));
  for (const gv of kinds.groupVersions()) {
    const group = gv.slice(0, gv.indexOf('/'));
    if (gv.includes('/')) hashes.set(`apis/${group}`, hex(`v1.36.0 apis/${group}`));
    hashes.set(entryOf(gv), hex(`v1.36.0 ${gv} ${fingerprint(kinds.all().filter((k) => k.apiVersion === gv))}`));
  }
  const made = { revision: kinds.revision, pool, hashes, documents: new Map<string, Document>() };
  books.set(kinds, made);
  return made;
}

/** The answer at a path below /openapi, or null when it is none. @throws ApiError 404, 503 */
export function serveOpenApi(x: Exchange, path: string): HttpResponse | null {
  if (!path.startsWith('/openapi/')) return null;
  if (path !== '/openapi/v2' && path !== '/openapi/v3' && !path.startsWith('/openapi/v3/')) throw noSuchPath();
  const pool = openApiPool();
  if (!pool) throw serviceUnavailable('the OpenAPI documents are not loaded yet, please try again');
  const book = bookOf(x, pool);
  if (path === '/openapi/v3') return answer(x, indexHash(book), {}, () => index(book));
  const kinds = x.server.kinds.all();
  if (path === '/openapi/v2') return answer(x, indexHash(book), {}, () => document(book, 'v2', () => v2Document(pool, kinds)));
  const entry = path.slice('/openapi/v3/'.length);
  const hash = book.hashes.get(entry);
  if (hash === undefined) throw noSuchPath();
  const asked = x.query['hash'];
  if (asked !== undefined && asked !== '' && asked !== hash) {
    return { status: 301, headers: { location: urlOf(entry, hash), 'content-type': 'text/html; charset=utf-8' }, body: '' };
  }
  const now = x.server.sim.epoch + x.server.sim.now;
  const kept = asked ? { 'cache-control': 'public, immutable', expires: formatHttpDate(now + YEAR_MICROS) } : {};
  return answer(x, hash, kept, () =>
    document(book, entry, () => {
      const gv = entry.startsWith('api/') ? entry.slice(4) : entry.slice(5);
      const served = kinds.filter((k) => k.apiVersion === gv);
      return served.length === 0 ? v3Root(`/${entry}/`) : v3Document(pool, gv, served);
    }),
  );
}

function document(book: Book, name: string, make: () => Document): Document {
  const known = book.documents.get(name);
  if (known) return known;
  const made = make();
  book.documents.set(name, made);
  return made;
}

const DAYS = ['Thu', 'Fri', 'Sat', 'Sun', 'Mon', 'Tue', 'Wed'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** Go's time.RFC1123: `Sat, 21 Nov 2026 12:30:00 UTC`. */
function formatHttpDate(unixMicros: number): string {
  const [year, month, rest] = formatTime(unixMicros).split('-') as [string, string, string];
  const day = DAYS[Math.floor(unixMicros / 86_400_000_000) % 7];
  return `${day}, ${rest.slice(0, 2)} ${MONTHS[Number(month) - 1]} ${year} ${rest.slice(3, 11)} UTC`;
}

const indexHash = (book: Book): string => hex([...book.hashes.values()].join(''));
const urlOf = (entry: string, hash: string): string => `/openapi/v3/${entry}?hash=${hash}`;

function index(book: Book): Document {
  const names = [...book.hashes.keys()].sort();
  return { paths: Object.fromEntries(names.map((name) => [name, { serverRelativeURL: urlOf(name, book.hashes.get(name) as string) }])) };
}

function answer(x: Exchange, hash: string, headers: Readonly<Record<string, string>>, body: () => Document): HttpResponse {
  const all = { 'content-type': 'application/json', etag: `"${hash}"`, vary: 'Accept', ...headers };
  if (x.http.headers['if-none-match'] === `"${hash}"`) return { status: 304, headers: all, body: '' };
  return { status: 200, headers: all, body: body() };
}
