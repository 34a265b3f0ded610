// NodePorts: two Pods cannot hold the same host port on one node.

import { type Plugin, SKIP, unschedulable } from '../framework/types.ts';
import { podInfoOf } from '../podinfo.ts';
import type { Pod } from '../../api/generated/types.ts';

const REJECTED = unschedulable("node(s) didn't have free ports for the requested pod ports");

export const nodePorts: Plugin = {
  name: 'NodePorts',
  events: [
    { event: 'AssignedPodDelete', worthTrying: (pod, before) => sharesPort(pod.hostPorts, podInfoOf(before as Pod).hostPorts) },
    // A new node has no host ports in use.
    { event: 'NodeAdd' },
  ],
  preFilter: (pod) => ({ status: pod.hostPorts.length === 0 ? SKIP : null }),
  filter(_, pod, node) {
    for (const port of pod.hostPorts) if (node.portInUse(port)) return REJECTED;
    return null;
  },
};

type Ports = readonly { readonly ip: string; readonly protocol: string; readonly port: number }[];

function sharesPort(wanted: Ports, freed: Ports): boolean {
  return wanted.some((w) =>
    freed.some((f) => f.protocol === w.protocol && f.port === w.port && (f.ip === w.ip || f.ip === '0.0.0.0' || w.ip === '0.0.0.0')),
  );
}
