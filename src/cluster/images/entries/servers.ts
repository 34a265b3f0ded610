// Images that are known by name but run as a generic server: they listen on their ports, say so, and answer politely.

import type { Os, Program } from '../../machine/process.ts';
import { serveHttp } from '../../network/http.ts';
import { SocketError } from '../../network/socket.ts';
import type { Op } from '../../sim/simulation.ts';
import { MILLISECOND } from '../../sim/time.ts';
import { declaredPorts } from '../../runtime/declared-ports.ts';
import { digestOf, type Image } from '../../runtime/registry.ts';
import type { Fallback } from '../entry.ts';
import { layersOf } from '../layers.ts';
import { CURL_APPLETS } from '../shell/applets/net.ts';
import { BASH } from '../shell/shell.ts';
import { BUSYBOX_COMMANDS, runCommandLine, toolboxOf } from '../toolbox.ts';

const tools = toolboxOf(BASH, { ...BUSYBOX_COMMANDS, ...CURL_APPLETS }, ['sh', 'bash', 'ash', 'dash']);

/** Official images of Docker Hub (docker.io/library) that manifests name, with the ports that they expose. */
const OFFICIAL: Readonly<Record<string, readonly number[]>> = {
  adminer: [8080], almalinux: [], amazonlinux: [], arangodb: [8529], bash: [], caddy: [80, 443], cassandra: [7000, 9042], centos: [], chronograf: [8888],
  composer: [], consul: [8500], couchbase: [8091], couchdb: [5984], crate: [4200], debian: [], docker: [2375], 'docker-dev': [], drupal: [80],
  eclipse: [], 'eclipse-mosquitto': [1883], 'eclipse-temurin': [], elasticsearch: [9200], elixir: [], erlang: [], fedora: [], fluentd: [24224], flink: [8081],
  gcc: [], ghost: [2368], golang: [], gradle: [], groovy: [], haproxy: [], haskell: [], httpd: [80], influxdb: [8086], java: [], jenkins: [8080], joomla: [80],
  jruby: [], julia: [], kibana: [5601], kong: [8000], logstash: [5044], mariadb: [3306], matomo: [80], maven: [], mediawiki: [80], memcached: [11211],
  mongo: [27017], 'mongo-express': [8081], mysql: [3306], nats: [4222], neo4j: [7474], nextcloud: [80], node: [], odoo: [8069], openjdk: [], oraclelinux: [],
  orientdb: [2480], percona: [3306], perl: [], php: [], phpmyadmin: [80], postgres: [5432], pypy: [], python: [], 'r-base': [], rabbitmq: [5672], rails: [],
  redis: [6379], redmine: [3000], registry: [5000], rethinkdb: [28015], rockylinux: [], ruby: [], rust: [], 'solr': [8983], sonarqube: [9000], swift: [],
  telegraf: [8125], tomcat: [8080], traefik: [80], ubuntu: [], vault: [8200], websphere: [], 'websphere-liberty': [9080], wordpress: [80], zookeeper: [2181],
};

/** Images of languages and systems: without a command they end at once, for want of input. */
const isSystem = (name: string): boolean => (OFFICIAL[name]?.length ?? 1) === 0;

const PUBLIC_HOSTS = ['docker.io', 'registry.k8s.io', 'k8s.gcr.io', 'gcr.io', 'ghcr.io', 'quay.io', 'public.ecr.aws', 'mcr.microsoft.com', 'registry.gitlab.com', 'nvcr.io', 'docker.elastic.co'];
const PLACEHOLDER = /(^|[/_.-])(your[a-z-]*|my-?(repo|registry|user|org|app|image)|user(name)?|example|placeholder|does-?not-?exist|non-?exist(e|a)nt|no-?such|invalid|bogus|typo|wrong|fake)([/_.:-]|$)/;
const NO_SUCH_TAG = /(typo|does-?not-?exist|non-?exist(e|a)nt|no-?such|not-?found|invalid|bogus|wrong|broken|fake)/;

/** For references that no entry covers: what plausibly exists on public registries runs as a generic server. */
export const genericImage: Fallback = (repository, tag) => {
  const slash = repository.indexOf('/');
  const host = repository.slice(0, slash);
  const path = repository.slice(slash + 1);
  if (!PUBLIC_HOSTS.some((known) => host === known || host.endsWith(`.${known}`) || host.endsWith('.pkg.dev'))) return 'not-found';
  if (host === 'docker.io' && path.startsWith('library/') && OFFICIAL[path.slice(8)] === undefined) return 'unauthorized';
  if (PLACEHOLDER.test(path)) return host === 'docker.io' ? 'unauthorized' : 'not-found';
  if (NO_SUCH_TAG.test(tag)) return 'not-found';
  return makeImage(repository, tag, path.slice(path.lastIndexOf('/') + 1));
};

function makeImage(repository: string, tag: string, name: string): Image {
  const full = `${repository}:${tag}`;
  const sizeBytes = 30_000_000 + (Number.parseInt(digestOf(full).slice(7, 13), 16) % 120_000_000);
  const exposedPorts = OFFICIAL[name] ?? [];
  const system = isSystem(name);
  return {
    repository,
    tag,
    digest: digestOf(full),
    sizeBytes,
    layers: layersOf(full, sizeBytes),
    entrypoint: [],
    cmd: system ? ['bash'] : [SERVER],
    env: {},
    exposedPorts,
    program: genericProgram(full, exposedPorts),
    files: { '/tmp/.keep': '', '/etc/passwd': 'root:x:0:0:root:/root:/bin/sh\n' },
  };
}

/** What the generic image's own server is called. */
const SERVER = '/entrypoint';

function genericProgram(reference: string, exposed: readonly number[]): Program {
  return function* (os: Os): Op<number> {
    const command = os.argv[0] ?? SERVER;
    const base = command.slice(command.lastIndexOf('/') + 1);
    const isCommand = tools.applet(base) !== undefined || (command.includes('/') && command !== SERVER && os.files.exists(command));
    return yield* isCommand ? runCommandLine(os, tools) : serveGenerically(os, reference, exposed);
  };
}

/** Listens on the Pod's declared ports (else the image's) and answers HTTP with its own name. */
function* serveGenerically(os: Os, reference: string, exposed: readonly number[]): Op<number> {
  const declared = declaredPorts(os.process);
  const ports = declared.length > 0 ? declared : exposed;
  os.log(`orrery: ${reference} is not in the image catalogue; a generic server stands in for it`);
  yield* os.sleep(50 * MILLISECOND);
  const signals = os.signals();
  for (const port of ports) {
    try {
      serveHttp(os, { port }, function* (request) {
        yield* os.sleep(200);
        os.log(`${request.method} ${request.path} 200`);
        return { status: 200, headers: { 'content-type': 'text/plain' }, body: `${reference} at ${os.env['HOSTNAME'] ?? os.machine.name}: ${request.method} ${request.path}\n` };
      });
    } catch (error) {
      if (!(error instanceof SocketError)) throw error;
      os.logError(`orrery: ${error.message}`);
      return 1;
    }
  }
  os.process.setMemory(24_000_000);
  os.log(ports.length === 0 ? 'orrery: no ports declared; waiting' : `orrery: listening on ${ports.join(', ')}`);
  const signal = yield* signals.receive();
  os.log(`orrery: ${signal ?? 'SIGTERM'} received, exiting`);
  return 0;
}
