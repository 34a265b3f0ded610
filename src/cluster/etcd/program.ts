// The etcd process: reads the flags of kubeadm's manifest, opens its data directory, serves clients, peers and /health.

import type { Os, Program } from '../machine/process.ts';
import { HttpClient, type HttpRequest, type HttpResponse, serveHttp } from '../network/http.ts';
import { Channel } from '../sim/channel.ts';
import type { Op } from '../sim/simulation.ts';
import { SECOND } from '../sim/time.ts';
import { openDisk } from './disk.ts';
import { Member } from './member.ts';
import type { MemberEntry } from './member-list.ts';
import type { Message } from './raft/messages.ts';
import { serve } from './service.ts';

interface Flags {
  readonly name: string;
  readonly dataDir: string;
  readonly clientUrls: readonly Url[];
  readonly peerUrls: readonly Url[];
  readonly metricsUrls: readonly Url[];
  /** Peer URL of each member, by name; sorted by name, so that all members number each other alike. */
  readonly cluster: readonly { readonly name: string; readonly url: Url }[];
  readonly certificate: string;
}

interface Url {
  readonly tls: boolean;
  readonly host: string;
  readonly port: number;
}

/** Peers that do not answer within this are tried again with the next message. */
const PEER_TIMEOUT = SECOND;
const MEMBER_LIST = '/etcdserverpb.Cluster/MemberList';
const CLIENT_PORT = 2379;

export const etcdProgram: Program = function* (os: Os): Op<number> {
  const flags = readFlags(os);
  const disk = openDisk(os.sim, os.files, flags.dataDir);
  const members = flags.cluster.map((_, i) => i + 1);
  const id = flags.cluster.findIndex((m) => m.name === flags.name) + 1;
  const peers = new Map(members.filter((m) => m !== id).map((m) => [m, new Peer(os, (flags.cluster[m - 1] as { url: Url }).url)]));
  const member = new Member({
    sim: os.sim,
    place: os.place,
    name: flags.name,
    id,
    members,
    disk,
    send: (message) => peers.get(message.to)?.send(message),
    log: (line) => os.logError(line),
  });
  os.process.onExit(() => member.stop());
  os.logError(`starting an etcd server, etcd-version: 3.6.6, data-dir: ${flags.dataDir}, name: ${flags.name}`);

  if (peers.size > 0) for (const url of flags.peerUrls) serveHttp(os, listenOptions(url, flags), (request) => fromPeer(member, request));
  for (const url of flags.clientUrls) serveHttp(os, listenOptions(url, flags), (request) => (request.path === MEMBER_LIST ? memberList(flags) : serve(member, request, os.sim)));
  for (const url of flags.metricsUrls) serveHttp(os, listenOptions(url, flags), (request) => health(member, request));
  os.logError('ready to serve client requests');
  yield* member.run();
  return 0;
};

/** The Cluster service: who there is, by the flags that they all were started with. */
function* memberList(flags: Flags): Op<HttpResponse> {
  const text = ({ tls, host, port }: Url): string => `${tls ? 'https' : 'http'}://${host}:${port}`;
  const members = flags.cluster.map(({ name, url }, i): MemberEntry => ({ id: i + 1, name, peerUrl: text(url), clientUrl: text({ ...url, port: CLIENT_PORT }) }));
  return { status: 200, headers: { 'content-type': 'application/grpc' }, body: { members } };
}

/** Messages to one other member, in order, a batch per request. */
class Peer {
  readonly #queue: Channel<Message>;
  readonly #client: HttpClient;

  constructor(os: Os, url: Url) {
    this.#queue = new Channel(os.sim);
    this.#client = new HttpClient(os, { host: url.host, port: url.port, ...(url.tls ? { tls: {} } : {}) });
    os.go('peer', () => this.#run());
  }

  send(message: Message): void {
    this.#queue.send(message);
  }

  *#run(): Op<void> {
    for (;;) {
      const first = yield* this.#queue.receive();
      if (!first) return;
      const messages = [first];
      for (let next = this.#queue.tryReceive(); next; next = this.#queue.tryReceive()) messages.push(next);
      const verb = messages.find((m) => m.type !== 'heartbeat' && m.type !== 'heartbeatResponse')?.type ?? first.type;
      try {
        yield* this.#client.request(
          { method: 'POST', path: '/raft', query: {}, headers: {}, body: messages, kind: 'raft', verb },
          PEER_TIMEOUT,
        );
      } catch {
        // Raft repeats what matters.
      }
    }
  }
}

function* fromPeer(member: Member, request: HttpRequest): Op<HttpResponse> {
  for (const message of request.body as readonly Message[]) member.step(message);
  return { status: 204, headers: {} };
}

function* health(member: Member, request: HttpRequest): Op<HttpResponse> {
  if (request.path === '/livez' || request.path === '/readyz' || request.path === '/health') {
    const healthy = member.raft.leader !== 0;
    const body =
      request.path === '/health'
        ? `{"health":"${healthy}","reason":"${healthy ? '' : 'RAFT NO LEADER'}"}`
        : healthy
          ? 'ok\n'
          : 'no leader\n';
    return { status: healthy || request.path === '/livez' ? 200 : 503, headers: { 'content-type': 'text/plain' }, body };
  }
  return { status: 404, headers: { 'content-type': 'text/plain' }, body: '404 page not found\n' };
}

function listenOptions(url: Url, flags: Flags) {
  const address = url.host === '0.0.0.0' ? {} : { address: url.host };
  return { port: url.port, ...address, ...(url.tls ? { tls: { certificate: flags.certificate } } : {}) };
}

function readFlags(os: Os): Flags {
  const given = new Map<string, string>();
  for (const arg of os.argv) {
    const match = /^--([^=]+)=(.*)$/s.exec(arg);
    if (match) given.set(match[1] as string, match[2] as string);
  }
  const name = given.get('name') ?? 'default';
  const urls = (flag: string, fallback: string): Url[] =>
    (given.get(flag) ?? fallback)
      .split(',')
      .filter((u) => u !== '')
      .map(parseUrl);
  const cluster = (given.get('initial-cluster') ?? `${name}=http://localhost:2380`).split(',').map((pair) => {
    const equals = pair.indexOf('=');
    return { name: pair.slice(0, equals), url: parseUrl(pair.slice(equals + 1)) };
  });
  const certificateFile = given.get('cert-file');
  return {
    name,
    dataDir: given.get('data-dir') ?? `${name}.etcd`,
    clientUrls: urls('listen-client-urls', 'http://127.0.0.1:2379'),
    peerUrls: urls('listen-peer-urls', 'http://127.0.0.1:2380'),
    metricsUrls: urls('listen-metrics-urls', ''),
    cluster: cluster.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)),
    certificate: certificateFile !== undefined && os.files.exists(certificateFile) ? os.files.read(certificateFile) : '',
  };
}

function parseUrl(text: string): Url {
  const match = /^(https?):\/\/([^:/]+):(\d+)\/?$/.exec(text);
  if (!match) throw new Error(`couldn't parse URL ${JSON.stringify(text)}`);
  const host = match[2] === 'localhost' ? '127.0.0.1' : (match[2] as string);
  return { tls: match[1] === 'https', host, port: Number(match[3]) };
}
