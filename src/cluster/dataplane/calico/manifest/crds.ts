// The CustomResourceDefinitions of crd.projectcalico.org (libcalico-go/config/crd): names and scopes as upstream's; schemas say what is
// asked of the fields that people write, and keep the others as they come.

import type { ApiObject } from '../../../api/meta.ts';
import { CALICO_KINDS, type CalicoKind, GROUP } from '../resources.ts';

type Schema = Readonly<Record<string, unknown>>;

const OPEN: Schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
const TEXT: Schema = { type: 'string' };
const WHOLE: Schema = { type: 'integer' };
const FLAG: Schema = { type: 'boolean' };
const oneOf = (...values: readonly string[]): Schema => ({ type: 'string', enum: values });
const listOf = (items: Schema): Schema => ({ type: 'array', items });
const object = (properties: Readonly<Record<string, Schema>>, required: readonly string[] = []): Schema => ({ type: 'object', properties, ...(required.length === 0 ? {} : { required }) });

const INT_OR_STRING: Schema = { anyOf: [{ type: 'integer' }, { type: 'string' }], 'x-kubernetes-int-or-string': true };
const MODE = oneOf('Never', 'Always', 'CrossSubnet', '');

const ENTITY = object({
  namespaceSelector: TEXT,
  nets: listOf(TEXT),
  notNets: listOf(TEXT),
  notPorts: listOf(INT_OR_STRING),
  notSelector: TEXT,
  ports: listOf(INT_OR_STRING),
  selector: TEXT,
  serviceAccounts: object({ names: listOf(TEXT), selector: TEXT }),
  services: object({ name: TEXT, namespace: TEXT }),
});
const RULE = object({ action: oneOf('Allow', 'Deny', 'Log', 'Pass'), destination: ENTITY, http: OPEN, icmp: object({ code: WHOLE, type: WHOLE }), ipVersion: WHOLE, metadata: OPEN, notICMP: OPEN, notProtocol: INT_OR_STRING, protocol: INT_OR_STRING, source: ENTITY }, ['action']);
const POLICY = { egress: listOf(RULE), ingress: listOf(RULE), order: { type: 'number' }, performanceHints: listOf(TEXT), selector: TEXT, serviceAccountSelector: TEXT, tier: TEXT, types: listOf(TEXT) };

const SPECS: Readonly<Partial<Record<keyof typeof CALICO_KINDS, Schema>>> = {
  ipPool: object(
    {
      allowedUses: listOf(oneOf('Workload', 'Tunnel', 'LoadBalancer')), assignmentMode: oneOf('Automatic', 'Manual'), blockSize: { type: 'integer', minimum: 0, maximum: 128 }, cidr: TEXT, disableBGPExport: FLAG, disabled: FLAG, ipipMode: MODE,
      namespaceSelector: TEXT, natOutgoing: FLAG, nodeSelector: TEXT, vxlanMode: MODE,
    },
    ['cidr'],
  ),
  networkPolicy: object(POLICY),
  globalNetworkPolicy: object({ ...POLICY, applyOnForward: FLAG, doNotTrack: FLAG, namespaceSelector: TEXT, preDNAT: FLAG }),
  networkSet: object({ nets: listOf(TEXT) }),
  globalNetworkSet: object({ nets: listOf(TEXT), allowedEgressDomains: listOf(TEXT) }),
  blockAffinity: object({ cidr: TEXT, deleted: TEXT, node: TEXT, state: TEXT, type: TEXT }, ['cidr', 'deleted', 'node', 'state']),
  ipamHandle: object({ block: { type: 'object', additionalProperties: WHOLE }, deleted: FLAG, handleID: TEXT }, ['block', 'handleID']),
};

function definition(name: keyof typeof CALICO_KINDS): ApiObject {
  const { kind, plural, namespaced }: CalicoKind = CALICO_KINDS[name];
  const singular = kind.toLowerCase();
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${GROUP}` },
    spec: {
      group: GROUP,
      names: { kind, listKind: `${kind}List`, plural, singular },
      preserveUnknownFields: false,
      scope: namespaced ? 'Namespaced' : 'Cluster',
      versions: [
        {
          name: 'v1',
          schema: { openAPIV3Schema: { type: 'object', properties: { apiVersion: TEXT, kind: TEXT, metadata: { type: 'object' }, spec: SPECS[name] ?? OPEN } } },
          served: true,
          storage: true,
        },
      ],
    },
  } as ApiObject;
}

export const calicoDefinitions = (): ApiObject[] => (Object.keys(CALICO_KINDS) as (keyof typeof CALICO_KINDS)[]).map(definition);
