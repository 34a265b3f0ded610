// calicoctl: shows and changes Calico's resources by way of the API server, tells what IPAM has given out, and on a node whether BIRD
// has its peers (calicoctl/calicoctl/commands).

import type { ApiObject } from '../../../api/meta.ts';
import { isAlreadyExists, isNotFound } from '../../../api/status.ts';
import { formatYaml, parseYaml } from '../../../api/yaml.ts';
import { Client } from '../../../client/client.ts';
import { isProgrammingError, messageOf } from '../../../client/errors.ts';
import { loadKubeconfig } from '../../../client/kubeconfig.ts';
import type { Os, Program } from '../../../machine/process.ts';
import { parseCidr, contains, parseIp } from '../../../network/ip.ts';
import { SocketError } from '../../../network/socket-error.ts';
import type { Op } from '../../../sim/simulation.ts';
import { birdPeers } from '../bird/birdcl.ts';
import { CALICO_VERSION } from '../log.ts';
import { CALICO_KINDS, type IpamBlock, type IpPool, Store } from '../resources.ts';
import { type CalicoResource, resourceNamed } from './resources.ts';
import { columns, framed } from './table.ts';

const USAGE = `Usage:
  calicoctl [options] <command> [<args>...]

    create       Create a resource by file or stdin.
    replace      Replace a resource by file or stdin.
    apply        Apply a resource by file or stdin.  This creates a resource if
                 it does not exist, and replaces a resource if it does exists.
    delete       Delete a resource identified by file, stdin or resource type and
                 name.
    get          Get a resource identified by file, stdin or resource type and
                 name.
    ipam         IP address management.
    node         Calico node management.
    version      Display the version of this binary.
`;

class CalicoctlError extends Error {}

export const calicoctlProgram: Program = function* (os: Os): Op<number> {
  const words: string[] = [];
  const options = new Map<string, string>();
  const takesValue = new Set(['-o', '--output', '-n', '--namespace', '-f', '--filename', '-c', '--config']);
  for (const [i, arg] of os.argv.entries()) {
    if (i === 0 || takesValue.has(os.argv[i - 1] ?? '')) continue;
    const [name = '', value] = arg.startsWith('--') ? arg.split(/=(.*)/s) : [arg];
    if (!arg.startsWith('-') || arg === '-') words.push(arg);
    else if (/^-o\w/.test(arg)) options.set('-o', arg.slice(2));
    else options.set(name, value ?? (takesValue.has(name) ? (os.argv[i + 1] ?? '') : 'true'));
  }
  const [command = '', ...rest] = words;
  try {
    switch (command) {
      case 'version':
        return yield* version(os);
      case 'node':
        return rest[0] === 'status' ? yield* nodeStatus(os) : usage(os);
      case 'get':
        return yield* get(os, rest, options);
      case 'ipam':
        return yield* ipam(os, rest, options);
      case 'apply': case 'create': case 'replace': case 'delete':
        return yield* write(os, command, rest, options);
      default:
        return usage(os);
    }
  } catch (error) {
    if (isProgrammingError(error)) throw error;
    os.logError(messageOf(error));
    return 1;
  }
};

function usage(os: Os): number {
  os.write(USAGE);
  return 1;
}

function clientOf(os: Os): Client {
  const path = [os.env['KUBECONFIG'], `${os.env['HOME'] ?? '/root'}/.kube/config`, '/etc/kubernetes/admin.conf'].find((p) => p !== undefined && os.files.exists(p));
  if (path === undefined) throw new CalicoctlError('Failed to create Calico API client: invalid configuration: no configuration has been provided, try setting KUBERNETES_MASTER environment variable');
  return new Client(os, { ...loadKubeconfig(os, path), userAgent: `calicoctl/${CALICO_VERSION}` });
}

function* version(os: Os): Op<number> {
  os.log(`Client Version:    ${CALICO_VERSION}`);
  const info = (yield* new Store<ApiObject & { readonly spec: { readonly calicoVersion?: string; readonly clusterType?: string } }>(clientOf(os), CALICO_KINDS.clusterInformation).get('default')).spec;
  os.log(`Cluster Version:   ${info.calicoVersion ?? ''}`);
  os.log(`Cluster Type:      ${info.clusterType ?? ''}`);
  return 0;
}

function* nodeStatus(os: Os): Op<number> {
  const running = [...os.machine.processes.values()].some((p) => p.argv[0] === 'calico-node' && p.argv[1] === '-felix');
  if (!running) {
    os.log('Calico process is not running.');
    return 1;
  }
  os.log('Calico process is running.\n');
  os.log('IPv4 BGP status');
  try {
    const peers = yield* birdPeers(os);
    if (peers.length === 0) os.log('No IPv4 peers found.');
    else for (const line of framed(['PEER ADDRESS', 'PEER TYPE', 'STATE', 'SINCE', 'INFO'], peers.map((p) => [p.address, p.type, p.state, p.since, p.info.replace(/\s+/g, ' ')]))) os.log(line);
  } catch (error) {
    if (!(error instanceof SocketError)) throw error;
    os.log(`Error querying BIRD: unable to connect to BIRDv4 socket: ${error.message}`);
  }
  os.log('\nIPv6 BGP status\nNo IPv6 peers found.');
  return 0;
}

function known(name: string | undefined): CalicoResource {
  const resource = resourceNamed(name ?? '');
  if (resource === undefined) throw new CalicoctlError(`Failed to execute command: resource type '${name ?? ''}' is not supported`);
  return resource;
}

/** As calicoctl shows it: of the group projectcalico.org, without what only Kubernetes needs. */
function shown(resource: CalicoResource, object: ApiObject): ApiObject {
  const { name, namespace, uid, creationTimestamp, resourceVersion } = object.metadata;
  const { spec } = object as ApiObject & { readonly spec?: unknown };
  const metadata = { ...(creationTimestamp === undefined ? {} : { creationTimestamp }), name, ...(namespace === undefined ? {} : { namespace }), ...(resourceVersion === undefined ? {} : { resourceVersion }), ...(uid === undefined ? {} : { uid }) };
  return { apiVersion: 'projectcalico.org/v3', kind: resource.kind, metadata, ...(spec === undefined || resource.stored === null ? {} : { spec }) } as ApiObject;
}

function* get(os: Os, [type, ...names]: readonly string[], options: ReadonlyMap<string, string>): Op<number> {
  const resource = known(type);
  const client = clientOf(os);
  const everywhere = options.has('-a') || options.has('--all-namespaces') || options.has('-A');
  const namespace = resource.namespaced && !everywhere ? (options.get('-n') ?? options.get('--namespace') ?? 'default') : '';
  const found = (yield* resource.list(client, namespace)).filter((o) => names.length === 0 || names.includes(o.metadata.name) || names.includes(resource.cell(o, 'NAME')));
  if (names.length > 0 && found.length === 0) throw new CalicoctlError(`resource does not exist: ${resource.kind}(${namespace === '' ? '' : `${namespace}/`}${names[0]}) with error: ${resource.stored?.plural ?? resource.names[1]}.crd.projectcalico.org "${names[0]}" not found`);
  const output = options.get('-o') ?? options.get('--output') ?? 'ps';
  if (output === 'yaml' || output === 'json') {
    const objects = found.map((o) => shown(resource, o));
    const [first] = objects;
    const document = names.length > 0 && first !== undefined ? first : { apiVersion: 'projectcalico.org/v3', items: objects, kind: `${resource.kind}List`, metadata: {} };
    os.write(output === 'yaml' ? formatYaml(document) : `${JSON.stringify(document, null, 2)}\n`);
    return 0;
  }
  const heads = output === 'wide' ? resource.wide : resource.columns;
  const all = everywhere && resource.namespaced ? ['NAMESPACE', ...heads] : heads;
  for (const line of columns([all, ...found.map((o) => all.map((head) => resource.cell(o, head)))])) os.log(line);
  return 0;
}

const percent = (n: number, of: number): string => `${n} (${of === 0 ? 0 : Math.round((n / of) * 100)}%)`;

function* ipam(os: Os, [what]: readonly string[], options: ReadonlyMap<string, string>): Op<number> {
  if (what !== 'show') return usage(os);
  const client = clientOf(os);
  const pools = yield* new Store<IpPool>(client, CALICO_KINDS.ipPool).list();
  const blocks = yield* new Store<IpamBlock>(client, CALICO_KINDS.ipamBlock).list();
  const used = ({ spec }: IpamBlock): number => spec.allocations.filter((a) => a !== null).length;
  const ip = options.get('--ip');
  if (ip !== undefined) {
    const int = parseIp(ip);
    const block = blocks.find((b) => contains(parseCidr(b.spec.cidr), int));
    const at = block?.spec.allocations[int - parseCidr(block.spec.cidr).int] ?? null;
    const owner = at === null ? undefined : block?.spec.attributes[at];
    if (owner === undefined) {
      os.log(`${ip} is not assigned`);
      return 0;
    }
    os.log(`IP ${ip} is in use`);
    os.log('Attributes:');
    for (const [key, value] of Object.entries(owner.secondary).sort(([a], [b]) => (a < b ? -1 : 1))) os.log(`  ${key}: ${value}`);
    return 0;
  }
  const rows: string[][] = [];
  for (const { spec } of pools) {
    const pool = parseCidr(spec.cidr);
    const total = 2 ** (32 - pool.prefix);
    const own = blocks.filter((b) => contains(pool, parseCidr(b.spec.cidr).int));
    const inUse = own.reduce((n, b) => n + used(b), 0);
    rows.push(['IP Pool', spec.cidr, String(total), percent(inUse, total), percent(total - inUse, total)]);
    if (!options.has('--show-blocks')) continue;
    for (const block of [...own].sort((a, b) => parseCidr(a.spec.cidr).int - parseCidr(b.spec.cidr).int)) {
      const size = block.spec.allocations.length;
      rows.push(['Block', block.spec.cidr, String(size), percent(used(block), size), percent(size - used(block), size)]);
    }
  }
  for (const line of framed(['GROUPING', 'CIDR', 'IPS TOTAL', 'IPS IN USE', 'IPS FREE'], rows)) os.log(line);
  return 0;
}

interface Document extends ApiObject {
  readonly spec?: unknown;
}

function* write(os: Os, command: 'apply' | 'create' | 'replace' | 'delete', words: readonly string[], options: ReadonlyMap<string, string>): Op<number> {
  const file = options.get('-f') ?? options.get('--filename');
  const namespace = options.get('-n') ?? options.get('--namespace') ?? 'default';
  const client = clientOf(os);
  const documents: Document[] = file === undefined ? [] : readDocuments(yield* textOf(os, file));
  if (file === undefined && command === 'delete') {
    const [type, ...names] = words;
    for (const name of names) documents.push({ apiVersion: 'projectcalico.org/v3', kind: known(type).kind, metadata: { name } });
  }
  if (documents.length === 0) throw new CalicoctlError('No resources specified');
  const counts = new Map<string, number>();
  for (const document of documents) {
    const resource = known(document.kind);
    const { stored } = resource;
    if (stored === null) throw new CalicoctlError(`Failed to ${command} resource: ${resource.kind} is managed by Kubernetes`);
    const metadata = { name: document.metadata.name, ...(resource.namespaced ? { namespace: document.metadata.namespace ?? namespace } : {}) };
    const store = new Store<Document>(client, stored);
    yield* writeOne(client, store, command, stored, metadata, document.spec);
    counts.set(resource.kind, (counts.get(resource.kind) ?? 0) + 1);
  }
  const done = { apply: 'applied', create: 'created', replace: 'replaced', delete: 'deleted' }[command];
  for (const [kind, n] of counts) os.log(`Successfully ${done} ${n} '${kind}' resource(s)`);
  return 0;
}

function* writeOne(client: Client, store: Store<Document>, command: string, kind: { readonly kind: string; readonly plural: string; readonly namespaced: boolean }, metadata: { readonly name: string; readonly namespace?: string }, spec: unknown): Op<void> {
  const what = `${kind.kind}(${metadata.namespace === undefined ? '' : `${metadata.namespace}/`}${metadata.name})`;
  try {
    if (command === 'delete') {
      yield* client.raw({ method: 'DELETE', path: `/apis/crd.projectcalico.org/v1/${metadata.namespace === undefined ? '' : `namespaces/${metadata.namespace}/`}${kind.plural}/${metadata.name}`, verb: 'delete' });
      return;
    }
    if (command !== 'replace') {
      try {
        yield* store.create(metadata, spec ?? {});
        return;
      } catch (error) {
        if (!isAlreadyExists(error)) throw error;
        if (command === 'create') throw new CalicoctlError(`Failed to create '${kind.kind}' resource: [resource already exists: ${what}]`);
      }
    }
    const old = yield* store.get(metadata.name, metadata.namespace ?? '');
    yield* store.update({ ...old, spec: spec ?? {} });
  } catch (error) {
    if (isNotFound(error)) throw new CalicoctlError(`Failed to ${command} '${kind.kind}' resource: [resource does not exist: ${what} with error: ${error.message}]`);
    throw error;
  }
}

function* textOf(os: Os, file: string): Op<string> {
  if (file !== '-') return os.files.read(file);
  const { stdin } = os;
  let text = '';
  if (stdin === null) return text;
  for (let chunk = yield* stdin.receive(); chunk !== undefined; chunk = yield* stdin.receive()) text += typeof chunk === 'string' ? chunk : '';
  return text;
}

function readDocuments(text: string): Document[] {
  return text
    .split(/^---.*$/m)
    .map((part) => parseYaml(part) as Document | null)
    .filter((d): d is Document => d !== null && typeof d === 'object');
}
