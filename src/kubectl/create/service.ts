// kubectl create service clusterip, nodeport, loadbalancer and externalname (kubectl/pkg/cmd/create/create_service.go).

import { portNameErrors, portNumberErrors, subdomain1123Errors } from '../../cluster/api/validation/names.ts';
import type { Command } from '../command.ts';
import { flag, type Flags, type FlagDef } from '../flag-set.ts';
import { CommandError } from '../print/error.ts';
import { generatorCommand } from './generator.ts';

type Type = 'ClusterIP' | 'NodePort' | 'LoadBalancer' | 'ExternalName';

const tcpFlag = flag.slice('tcp', 'Ports, as PORT or PORT:TARGETPORT.');

/** `80:http` → the port and its target. Throws CommandError. */
function portsOf(text: string): { readonly port: number; readonly targetPort: number | string } {
  const [first = '', second] = text.split(':');
  const quoted = JSON.stringify(first);
  if (!/^\d+$/.test(first)) throw new CommandError(`strconv.ParseUint: parsing ${quoted}: invalid syntax`);
  const port = Number(first);
  if (port > 65_535) throw new CommandError(`strconv.ParseUint: parsing ${quoted}: value out of range`);
  if (second === undefined) return { port, targetPort: port };
  const number = /^[+-]?\d+$/.test(second);
  const errors = number ? portNumberErrors(Number(second)) : portNameErrors(second);
  if (errors.length > 0) throw new CommandError(errors.join(','));
  return { port, targetPort: number ? Number(second) : second };
}

function check(flags: Flags, type: Type): void {
  const headless = flags.text('clusterip') === 'None';
  if (!headless && flags.list('tcp').length === 0 && type !== 'ExternalName') throw new CommandError('at least one tcp port specifier must be provided');
  const name = flags.text('external-name');
  if (type === 'ExternalName' && subdomain1123Errors(name).length > 0) throw new CommandError(`invalid service external name ${name}`);
}

interface Words {
  readonly name: string;
  readonly use: string;
  readonly examples: string;
  readonly flags: readonly FlagDef[];
}

const serviceCommand = (type: Type, { name: word, use, examples, flags: own }: Words): Command =>
  generatorCommand({
    name: word,
    use,
    short: `Create ${type === 'ExternalName' ? 'an' : 'a'} ${type} service`,
    long: `Create ${type === 'ExternalName' ? 'an' : 'a'} ${type} service with the specified name.`,
    examples,
    flags: [...own, tcpFlag],
    failed: `failed to create ${type} service: `,
    savesNothing: true,
    make(_context, flags, name) {
      check(flags, type);
      const [nodePort, externalName, clusterIP] = [flags.has('node-port') ? flags.integer('node-port') : 0, flags.text('external-name'), flags.text('clusterip')];
      const ports = flags.list('tcp').map((text) => ({ name: text.replaceAll(':', '-'), protocol: 'TCP', ...portsOf(text), ...(nodePort === 0 ? {} : { nodePort }) }));
      return {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name, labels: { app: name } },
        spec: {
          ...(ports.length > 0 ? { ports } : {}),
          selector: { app: name },
          ...(clusterIP === '' ? {} : { clusterIP }),
          type,
          ...(externalName === '' ? {} : { externalName }),
        },
      };
    },
  });

export const CREATE_SERVICE: Command = {
  name: 'service',
  aliases: ['svc'],
  use: 'service [flags]',
  short: 'Create a service using a specified subcommand',
  long: 'Create a service using a specified subcommand.',
  flags: [],
  subcommands: [
    serviceCommand('ClusterIP', {
      name: 'clusterip',
      use: 'clusterip NAME [--tcp=<port>:<targetPort>] [--dry-run=server|client|none]',
      examples: '# A service with a port\nkubectl create service clusterip web --tcp=80:8080\n\n# Without an address of its own\nkubectl create service clusterip web --clusterip="None"',
      flags: [flag.string('clusterip', "The address of the service; 'None' for a headless one.")],
    }),
    serviceCommand('NodePort', {
      name: 'nodeport',
      use: 'nodeport NAME [--tcp=port:targetPort] [--dry-run=server|client|none]',
      examples: '# A service with a port on all nodes\nkubectl create service nodeport web --tcp=80:8080',
      flags: [flag.int('node-port', 'The port on the nodes.')],
    }),
    serviceCommand('LoadBalancer', {
      name: 'loadbalancer',
      use: 'loadbalancer NAME [--tcp=port:targetPort] [--dry-run=server|client|none]',
      examples: '# A service with a load balancer\nkubectl create service loadbalancer web --tcp=80:8080',
      flags: [],
    }),
    serviceCommand('ExternalName', {
      name: 'externalname',
      use: 'externalname NAME --external-name external.name [--dry-run=server|client|none]',
      examples: '# A name in the cluster for a host outside of it\nkubectl create service externalname db --external-name db.example.com',
      flags: [flag.string('external-name', 'The name that the service stands for.', { required: true })],
    }),
  ],
};
