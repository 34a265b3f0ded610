// kubectl expose: a Service for what is there (kubectl/pkg/cmd/expose/expose.go).

import type { Op } from '../../cluster/sim/simulation.ts';
import type { Command } from '../command.ts';
import { completeResources } from '../completion/resources.ts';
import type { Context } from '../context.ts';
import { saveConfigFlag } from '../create.ts';
import { targetOf, withSavedConfig } from '../create/generator.ts';
import { flag, type Flags } from '../flag-set.ts';
import { dryRunFlag, fieldManagerFlag, filenameFlags, printFlags } from '../global-flags.ts';
import { recorded, recordFlag } from '../mutate/record.ts';
import { type DryRun, dryRunOf, operationText, writeQuery } from '../mutation.ts';
import { CommandError, throwAll } from '../print/error.ts';
import { asStruct } from '../print/go-struct.ts';
import { type Printer, printerOf } from '../print/printer.ts';
import { filesOf, find, type Info } from '../resource/builder.ts';
import type { LiveObject } from '../rest.ts';
import { overridden, overrideFlags } from './override.ts';
import { mustBeExposable, parseLabels, portsOfObject, selectorOfObject, serviceOf } from './service.ts';

const LONGEST_NAME = 63;

export const EXPOSE: Command = {
  name: 'expose',
  group: 'Basic Commands (Beginner):',
  use: 'expose (-f FILENAME | TYPE NAME) [--port=port] [--protocol=TCP|UDP|SCTP] [--target-port=number-or-name] [--name=name] [--external-ip=external-ip-of-service] [--type=type]',
  short: 'Take a replication controller, service, deployment or pod and expose it as a new Kubernetes service',
  long: 'Expose a resource as a new service.\n\n The service takes its selector from a deployment, service, replica set, replication controller or pod. Without --port it takes the ports, too.\n\n Possible resources include (case insensitive):\n\n pod (po), service (svc), replicationcontroller (rc), deployment (deploy), replicaset (rs)',
  examples: '# A deployment on port 80, served by port 8080 of its containers\nkubectl expose deployment web --port=80 --target-port=8080\n\n# A pod, under another name\nkubectl expose pod web --port=80 --name=frontend\n\n# On a port of all nodes\nkubectl expose deployment web --port=80 --type=NodePort',
  flags: [
    ...printFlags(),
    ...filenameFlags('to expose.'),
    dryRunFlag,
    fieldManagerFlag('kubectl-expose'),
    saveConfigFlag,
    ...overrideFlags,
    recordFlag,
    flag.string('cluster-ip', "The address of the service; 'None' for a headless one."),
    flag.string('external-ip', 'One more address at which nodes take traffic for the service.'),
    flag.string('labels', 'The labels of the service.', { short: 'l' }),
    flag.string('load-balancer-ip', 'The address for the load balancer.'),
    flag.string('name', 'The name of the service.'),
    flag.string('port', 'The port of the service; default: the port of the resource.'),
    flag.string('protocol', 'The protocol; default: TCP.'),
    flag.string('selector', 'The selector of the service; default: that of the resource.'),
    flag.string('session-affinity', "'None' or 'ClientIP'."),
    flag.string('target-port', 'The port of the containers, number or name.'),
    flag.string('type', 'ClusterIP, NodePort, LoadBalancer or ExternalName. Default: ClusterIP.'),
  ],
  complete: completeResources,
  run: expose,
};

function* expose(context: Context, flags: Flags): Op<void> {
  const dry = dryRunOf(context, flags);
  const print = printerOf(context, flags, operationText('exposed', dry), [], true);
  const { infos, errors } = yield* find(context, { ...filesOf(flags), args: flags.args });
  const failed: unknown[] = [...errors];
  const learned: Learned = { selector: flags.text('selector'), port: flags.text('port'), ports: '', labels: flags.text('labels'), protocols: new Map() };
  for (const info of infos) {
    try {
      yield* exposeOne(context, flags, info, learned, dry, print);
    } catch (error) {
      failed.push(error);
    }
  }
  throwAll(failed);
}

/** What the flags leave open comes from the objects; upstream keeps what it has learned of one for those that follow. */
interface Learned {
  selector: string;
  port: string;
  ports: string;
  labels: string;
  protocols: ReadonlyMap<string, readonly string[]>;
}

const pairs = (labels: Readonly<Record<string, string>>): string => Object.entries(labels).map(([key, value]) => `${key}=${value}`).join(',');

function serviceFor(flags: Flags, { object, name }: Info, learned: Learned): LiveObject {
  if (learned.selector === '') learned.selector = pairs(selectorOfObject(object));
  const clusterIP = flags.text('cluster-ip');
  const own = portsOfObject(object);
  if (learned.port === '') {
    if (own.size === 0 && clusterIP !== 'None') throw new CommandError("couldn't find port via --port flag or introspection");
    if (own.size === 1) learned.port = [...own.keys()].join('');
    else learned.ports = [...own.keys()].join(',');
  }
  if (own.size > 0) learned.protocols = own;
  if (learned.labels === '') learned.labels = pairs(object.metadata?.labels ?? {});
  if (learned.selector === '') throw new CommandError('selector must be specified');
  return serviceOf({
    name: flags.text('name') || name.slice(0, LONGEST_NAME),
    labels: learned.labels === '' ? null : parseLabels(learned.labels),
    selector: parseLabels(learned.selector),
    ports: learned.ports || learned.port,
    protocol: flags.text('protocol'),
    protocols: learned.protocols,
    targetPort: flags.text('target-port'),
    type: flags.text('type'),
    externalIP: flags.text('external-ip'),
    loadBalancerIP: flags.text('load-balancer-ip'),
    sessionAffinity: flags.text('session-affinity'),
    clusterIP,
  });
}

function* exposeOne(context: Context, flags: Flags, info: Info, learned: Learned, dry: DryRun, print: Printer | null): Op<void> {
  mustBeExposable(info.mapping);
  const made = recorded(context, flags, overridden(flags, serviceFor(flags, info, learned)));
  if (dry === 'client') {
    const placed = context.namespaceGiven ? { ...made, metadata: { ...made.metadata, namespace: context.namespace } } : made;
    print?.({ object: asStruct(placed as LiveObject) });
    return;
  }
  const object = asStruct(flags.is('save-config') ? withSavedConfig(made) : made);
  print?.({ object: asStruct(yield* context.rest.create(yield* targetOf(context, object), object, writeQuery(flags.text('field-manager'), '', dry))) });
}
