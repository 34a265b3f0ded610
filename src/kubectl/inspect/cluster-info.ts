// kubectl cluster-info and cluster-info dump (kubectl/pkg/cmd/clusterinfo).

import { ApiError } from '../../cluster/api/status.ts';
import type { Op } from '../../cluster/sim/simulation.ts';
import type { Command } from '../command.ts';
import type { Context } from '../context.ts';
import { flag, type Flags } from '../flag-set.ts';
import { allNamespacesFlag, printFlags } from '../global-flags.ts';
import { CommandError } from '../print/error.ts';
import { printerOf } from '../print/printer.ts';
import type { LiveObject } from '../rest.ts';

interface Service extends LiveObject {
  readonly spec?: { readonly ports?: readonly { readonly name?: string; readonly port?: number }[] };
  readonly status?: { readonly loadBalancer?: { readonly ingress?: readonly { readonly ip?: string; readonly hostname?: string }[] } };
}

const ESCAPE = String.fromCharCode(27);
const green = (text: string): string => `${ESCAPE}[0;32m${text}${ESCAPE}[0m`;
const yellow = (text: string): string => `${ESCAPE}[0;33m${text}${ESCAPE}[0m`;

const line = (name: string, link: string): string => `${green(name)} is running at ${yellow(link)}`;

function linkOf(context: Context, service: Service): string {
  const { name = '', namespace = '' } = service.metadata ?? {};
  const [port] = service.spec?.ports ?? [];
  const [ingress] = service.status?.loadBalancer?.ingress ?? [];
  if (ingress) return (service.spec?.ports ?? []).map((p) => `${p.port === 443 ? 'https' : 'http'}://${ingress.ip || ingress.hostname || ''}:${p.port ?? 0} `).join('');
  const scheme = port && (port.name === 'https' || port.port === 443) ? 'https:' : '';
  const suffix = port?.name ? `:${port.name}` : scheme === '' ? '' : ':';
  return `${context.rest.server}/api/v1/namespaces/${namespace}/services/${scheme}${name}${suffix}/proxy`;
}

function* clusterInfo(context: Context): Op<void> {
  const mapping = yield* context.mapper.byArgument('services');
  const services = (yield* context.rest.list({ mapping, namespace: context.namespaceGiven ? context.namespace : 'kube-system', name: '' }, { labelSelector: 'kubernetes.io/cluster-service=true' })) as Service[];
  context.print(line('Kubernetes control plane', context.rest.server));
  for (const service of services) context.print(line(service.metadata?.labels?.['kubernetes.io/name'] || (service.metadata?.name ?? ''), linkOf(context, service)));
  context.print('\nTo further debug and diagnose cluster problems, use \'kubectl cluster-info dump\'.');
}

const DUMPED = ['events', 'replicationcontrollers', 'services', 'daemonsets.apps', 'deployments.apps', 'replicasets.apps', 'pods'];

function* dump(context: Context, flags: Flags): Op<void> {
  if (flags.args.length > 0) throw context.usageError(`unexpected arguments: [${flags.args.join(' ')}]`);
  const directory = flags.text('output-directory');
  const print = printerOf(context, flags);
  if (!print) throw new CommandError('an output format is required');
  const show = (path: string, object: LiveObject): void => {
    if (directory === '' || directory === '-') print({ object });
    else context.os.files.write(context.path(`${directory}/${path}.json`), `${JSON.stringify(object, null, 4)}\n`);
  };
  const get = function* (resource: string, namespace: string): Op<LiveObject> {
    const mapping = yield* context.mapper.byArgument(resource);
    return (yield* context.rest.request('GET', { mapping, namespace, name: '' })) as LiveObject;
  };
  show('nodes', yield* get('nodes', ''));
  let namespaces = flags.list('namespaces');
  if (flags.is('all-namespaces')) namespaces = ((yield* get('namespaces', '')) as { items?: readonly LiveObject[] }).items?.map((n) => n.metadata?.name ?? '') ?? [];
  else if (namespaces.length === 0) namespaces = ['kube-system', context.namespace];
  for (const namespace of namespaces) {
    for (const resource of DUMPED) show(`${namespace}/${resource.split('.')[0] ?? ''}`, yield* get(resource, namespace));
    yield* logs(context, namespace, directory, (yield* get('pods', namespace)) as { items?: readonly LiveObject[] });
  }
  if (directory !== '' && directory !== '-') context.print(`Cluster info dumped to ${directory}`);
}

function* logs(context: Context, namespace: string, directory: string, pods: { readonly items?: readonly LiveObject[] }): Op<void> {
  for (const pod of pods.items ?? []) {
    const name = pod.metadata?.name ?? '';
    for (const container of (pod as { spec?: { containers?: readonly { name: string }[] } }).spec?.containers ?? []) {
      let text: string;
      try {
        const { body } = yield* context.rest.raw('GET', `/api/v1/namespaces/${namespace}/pods/${name}/log`, { query: { container: container.name }, accept: '*/*' });
        text = typeof body === 'string' ? body : '';
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        text = `Request log error: ${error.message}\n`;
      }
      const block = `==== START logs for container ${container.name} of pod ${namespace}/${name} ====\n${text}==== END logs for container ${container.name} of pod ${namespace}/${name} ====\n`;
      if (directory === '' || directory === '-') context.write(block);
      else context.os.files.append(context.path(`${directory}/${namespace}/${name}/logs.txt`), block);
    }
  }
}

export const CLUSTER_INFO: Command = {
  name: 'cluster-info',
  group: 'Cluster Management Commands:',
  use: 'cluster-info [flags]',
  short: 'Display cluster information',
  long: "Display addresses of the control plane and of services with label kubernetes.io/cluster-service=true. To further debug and diagnose cluster problems, use 'kubectl cluster-info dump'.",
  examples: '# Print the address of the control plane and cluster services\nkubectl cluster-info',
  flags: [],
  subcommands: [
    {
      name: 'dump',
      use: 'dump [flags]',
      short: 'Dump relevant information for debugging and diagnosis',
      flags: [
        ...printFlags().map((f) => (f.name === 'output' ? { ...f, value: 'json' } : f)),
        allNamespacesFlag,
        flag.slice('namespaces', 'The namespaces to dump, separated by commas.'),
        flag.string('output-directory', 'Where to put the files. - or nothing: stdout.'),
        flag.duration('pod-running-timeout', 'How long to wait for a running pod.', { value: '20s' }),
      ],
      run: dump,
    },
  ],
  run: clusterInfo,
};
