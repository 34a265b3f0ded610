// metallb-native.yaml, with the resources of layer-2 mode; those of BGP (BGPPeer, BGPAdvertisement, BFDProfile, Community) are left out.

import { METALLB_VERSION } from './controller.ts';

export const METALLB_IMAGES = 'quay.io/metallb';

const SELECTOR = {
  type: 'object',
  'x-kubernetes-map-type': 'atomic',
  properties: {
    matchExpressions: {
      type: 'array',
      'x-kubernetes-list-type': 'atomic',
      items: { type: 'object', required: ['key', 'operator'], properties: { key: { type: 'string' }, operator: { type: 'string' }, values: { type: 'array', items: { type: 'string' }, 'x-kubernetes-list-type': 'atomic' } } },
    },
    matchLabels: { type: 'object', additionalProperties: { type: 'string' } },
  },
};
const STRINGS = { type: 'array', items: { type: 'string' } };
const SELECTORS = { type: 'array', items: SELECTOR };
const FIXED = { type: 'string', 'x-kubernetes-validations': [{ message: 'Value is immutable', rule: 'self == oldSelf' }] };
const COUNT = { type: 'integer', format: 'int64' };

function definition(kind: string, columns: readonly object[], spec: object, status: object, required: readonly string[] = []): string {
  const singular = kind.toLowerCase();
  const plural = singular.endsWith('s') ? `${singular}es` : `${singular}s`;
  return JSON.stringify({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.metallb.io`, annotations: { 'controller-gen.kubebuilder.io/version': 'v0.19.0' } },
    spec: {
      group: 'metallb.io',
      names: { kind, listKind: `${kind}List`, plural, singular },
      scope: 'Namespaced',
      versions: [
        {
          name: 'v1beta1',
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: columns,
          schema: { openAPIV3Schema: { type: 'object', ...(required.length > 0 ? { required } : {}), properties: { apiVersion: { type: 'string' }, kind: { type: 'string' }, metadata: { type: 'object' }, spec, status } } },
        },
      ],
    },
  });
}

const column = (name: string, jsonPath: string, type = 'string', more: object = {}): object => ({ name, jsonPath, type, ...more });

const POOL = definition(
  'IPAddressPool',
  [column('Auto Assign', '.spec.autoAssign', 'boolean'), column('Avoid Buggy IPs', '.spec.avoidBuggyIPs', 'boolean'), column('Addresses', '.spec.addresses')],
  {
    type: 'object',
    required: ['addresses'],
    properties: {
      addresses: STRINGS,
      autoAssign: { type: 'boolean', default: true },
      avoidBuggyIPs: { type: 'boolean', default: false },
      serviceAllocation: { type: 'object', properties: { namespaces: STRINGS, namespaceSelectors: SELECTORS, priority: { type: 'integer' }, serviceSelectors: SELECTORS } },
    },
  },
  { type: 'object', required: ['assignedIPv4', 'assignedIPv6', 'availableIPv4', 'availableIPv6'], properties: { assignedIPv4: COUNT, assignedIPv6: COUNT, availableIPv4: COUNT, availableIPv6: COUNT } },
  ['spec'],
);

const L2 = definition(
  'L2Advertisement',
  [
    column('IPAddressPools', '.spec.ipAddressPools'),
    column('IPAddressPool Selectors', '.spec.ipAddressPoolSelectors'),
    column('Interfaces', '.spec.interfaces'),
    column('Node Selectors', '.spec.nodeSelectors', 'string', { priority: 10 }),
  ],
  { type: 'object', properties: { interfaces: STRINGS, ipAddressPools: STRINGS, ipAddressPoolSelectors: SELECTORS, nodeSelectors: SELECTORS, serviceSelectors: SELECTORS } },
  { type: 'object' },
);

const L2_STATUS = definition(
  'ServiceL2Status',
  [column('Allocated Node', '.status.node'), column('Service Name', '.status.serviceName'), column('Service Namespace', '.status.serviceNamespace')],
  { type: 'object' },
  { type: 'object', properties: { interfaces: { type: 'array', items: { type: 'object', properties: { name: { type: 'string' } } } }, node: FIXED, serviceName: FIXED, serviceNamespace: FIXED } },
);

const binding = (kind: 'Role' | 'ClusterRole', name: string, role: string, accounts: readonly string[]): string => `apiVersion: rbac.authorization.k8s.io/v1
kind: ${kind}Binding
metadata:
  labels: {app: metallb}
  name: ${name}${kind === 'Role' ? '\n  namespace: metallb-system' : ''}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ${kind}, name: "${role}"}
subjects:
${accounts.map((account) => `- {kind: ServiceAccount, name: ${account}, namespace: metallb-system}`).join('\n')}`;

const account = (name: string): string => `apiVersion: v1
kind: ServiceAccount
metadata:
  labels: {app: metallb}
  name: ${name}
  namespace: metallb-system`;

const probe = (path: string, host: string): string => `          failureThreshold: 3
          httpGet: {${host}path: ${path}, port: 17472}
          initialDelaySeconds: 10
          periodSeconds: 10
          successThreshold: 1
          timeoutSeconds: 1`;

const hook = (name: string, path: string, resource: string): string => `- admissionReviewVersions: [v1]
  clientConfig:
    service: {name: metallb-webhook-service, namespace: metallb-system, path: ${path}}
  failurePolicy: Fail
  name: ${name}.metallb.io
  rules:
  - {apiGroups: [metallb.io], apiVersions: [v1beta1], operations: [CREATE, UPDATE], resources: [${resource}]}
  sideEffects: None`;

export const metallbManifest = [
  `apiVersion: v1
kind: Namespace
metadata:
  labels:
    pod-security.kubernetes.io/audit: privileged
    pod-security.kubernetes.io/enforce: privileged
    pod-security.kubernetes.io/warn: privileged
  name: metallb-system`,
  POOL,
  L2,
  L2_STATUS,
  account('controller'),
  account('speaker'),
  `apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  labels: {app: metallb}
  name: controller
  namespace: metallb-system
rules:
- {apiGroups: [""], resources: [secrets], verbs: [create, delete, get, list, patch, update, watch]}
- {apiGroups: [""], resourceNames: [memberlist], resources: [secrets], verbs: [list]}
- {apiGroups: [apps], resourceNames: [controller], resources: [deployments], verbs: [get]}
- {apiGroups: [metallb.io], resources: [ipaddresspools], verbs: [get, list, watch]}
- {apiGroups: [metallb.io], resources: [ipaddresspools/status], verbs: [update]}
- {apiGroups: [metallb.io], resources: [l2advertisements], verbs: [get, list, watch]}`,
  `apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  labels: {app: metallb}
  name: pod-lister
  namespace: metallb-system
rules:
- {apiGroups: [""], resources: [pods], verbs: [list, get]}
- {apiGroups: [""], resources: [secrets, configmaps], verbs: [get, list, watch]}
- {apiGroups: [metallb.io], resources: [l2advertisements, ipaddresspools], verbs: [get, list, watch]}`,
  `apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  labels: {app: metallb}
  name: metallb-system:controller
rules:
- {apiGroups: [""], resources: [services, namespaces], verbs: [get, list, watch]}
- {apiGroups: [""], resources: [nodes], verbs: [list]}
- {apiGroups: [""], resources: [services/status], verbs: [update]}
- {apiGroups: [""], resources: [events], verbs: [create, patch]}
- apiGroups: [admissionregistration.k8s.io]
  resourceNames: [metallb-webhook-configuration]
  resources: [validatingwebhookconfigurations]
  verbs: [create, delete, get, list, patch, update, watch]
- {apiGroups: [admissionregistration.k8s.io], resources: [validatingwebhookconfigurations], verbs: [list, watch]}`,
  `apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  labels: {app: metallb}
  name: metallb-system:speaker
rules:
- {apiGroups: [metallb.io], resources: [servicel2statuses, servicel2statuses/status], verbs: ["*"]}
- {apiGroups: [""], resources: [services, endpoints, nodes, namespaces], verbs: [get, list, watch]}
- {apiGroups: [discovery.k8s.io], resources: [endpointslices], verbs: [get, list, watch]}
- {apiGroups: [""], resources: [events], verbs: [create, patch]}`,
  binding('Role', 'controller', 'controller', ['controller']),
  binding('Role', 'pod-lister', 'pod-lister', ['speaker']),
  binding('ClusterRole', 'metallb-system:controller', 'metallb-system:controller', ['controller']),
  binding('ClusterRole', 'metallb-system:speaker', 'metallb-system:speaker', ['speaker']),
  `apiVersion: v1
kind: ConfigMap
metadata:
  name: metallb-excludel2
  namespace: metallb-system
data:
  excludel2.yaml: |
    announcedInterfacesToExclude: ["^docker.*", "^cbr.*", "^dummy.*", "^virbr.*", "^lxcbr.*", "^veth.*", "^lo$", "^cali.*", "^tunl.*", "^flannel.*", "^kube-ipvs.*", "^cni.*", "^nodelocaldns.*", "^lxc.*"]`,
  `apiVersion: v1
kind: Secret
metadata:
  name: metallb-webhook-cert
  namespace: metallb-system`,
  `apiVersion: v1
kind: Service
metadata:
  name: metallb-webhook-service
  namespace: metallb-system
spec:
  ports:
  - {port: 443, targetPort: 9443}
  selector: {component: controller}`,
  `apiVersion: apps/v1
kind: Deployment
metadata:
  labels: {app: metallb, component: controller}
  name: controller
  namespace: metallb-system
spec:
  revisionHistoryLimit: 3
  selector:
    matchLabels: {app: metallb, component: controller}
  template:
    metadata:
      labels: {app: metallb, component: controller}
    spec:
      containers:
      - args: [--port=9120, --log-level=info]
        env:
        - name: METALLB_POD_NAME
          valueFrom: {fieldRef: {fieldPath: metadata.name}}
        - {name: METALLB_ML_SECRET_NAME, value: memberlist}
        - {name: METALLB_DEPLOYMENT, value: controller}
        image: ${METALLB_IMAGES}/controller:${METALLB_VERSION}
        livenessProbe:
${probe('/healthz', '')}
        name: controller
        ports:
        - {containerPort: 9120, name: metricshttps}
        - {containerPort: 9443, name: webhook-server, protocol: TCP}
        readinessProbe:
${probe('/readyz', '')}
        securityContext:
          allowPrivilegeEscalation: false
          capabilities: {drop: [all]}
          readOnlyRootFilesystem: true
        volumeMounts:
        - {mountPath: /tmp/k8s-webhook-server/serving-certs, name: cert, readOnly: true}
      nodeSelector: {kubernetes.io/os: linux}
      securityContext: {fsGroup: 65534, runAsNonRoot: true, runAsUser: 65534}
      serviceAccountName: controller
      terminationGracePeriodSeconds: 0
      volumes:
      - name: cert
        secret: {defaultMode: 420, secretName: metallb-webhook-cert}`,
  `apiVersion: apps/v1
kind: DaemonSet
metadata:
  labels: {app: metallb, component: speaker}
  name: speaker
  namespace: metallb-system
spec:
  selector:
    matchLabels: {app: metallb, component: speaker}
  template:
    metadata:
      labels: {app: metallb, component: speaker}
    spec:
      containers:
      - args: [--port=9120, --log-level=info]
        env:
        - name: METALLB_NODE_NAME
          valueFrom: {fieldRef: {fieldPath: spec.nodeName}}
        - name: METALLB_POD_NAME
          valueFrom: {fieldRef: {fieldPath: metadata.name}}
        - name: METALLB_HOST
          valueFrom: {fieldRef: {fieldPath: status.hostIP}}
        - name: METALLB_ML_BIND_ADDR
          valueFrom: {fieldRef: {fieldPath: status.podIP}}
        - {name: METALLB_ML_LABELS, value: "app=metallb,component=speaker"}
        - {name: METALLB_ML_SECRET_KEY_PATH, value: /etc/ml_secret_key}
        image: ${METALLB_IMAGES}/speaker:${METALLB_VERSION}
        livenessProbe:
${probe('/healthz', 'host: 127.0.0.1, ')}
        name: speaker
        ports:
        - {containerPort: 9120, name: metricshttps}
        - {containerPort: 7946, name: memberlist-tcp}
        - {containerPort: 7946, name: memberlist-udp, protocol: UDP}
        readinessProbe:
${probe('/readyz', 'host: 127.0.0.1, ')}
        securityContext:
          allowPrivilegeEscalation: false
          capabilities: {add: [NET_RAW], drop: [ALL]}
          readOnlyRootFilesystem: true
        volumeMounts:
        - {mountPath: /etc/ml_secret_key, name: memberlist, readOnly: true}
        - {mountPath: /etc/metallb, name: metallb-excludel2, readOnly: true}
      hostNetwork: true
      nodeSelector: {kubernetes.io/os: linux}
      serviceAccountName: speaker
      terminationGracePeriodSeconds: 2
      tolerations:
      - {effect: NoSchedule, key: node-role.kubernetes.io/master, operator: Exists}
      - {effect: NoSchedule, key: node-role.kubernetes.io/control-plane, operator: Exists}
      volumes:
      - name: memberlist
        secret: {defaultMode: 420, secretName: memberlist}
      - name: metallb-excludel2
        configMap: {defaultMode: 256, name: metallb-excludel2}`,
  `apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata:
  name: metallb-webhook-configuration
webhooks:
${hook('ipaddresspoolvalidationwebhook', '/validate-metallb-io-v1beta1-ipaddresspool', 'ipaddresspools')}
${hook('l2advertisementvalidationwebhook', '/validate-metallb-io-v1beta1-l2advertisement', 'l2advertisements')}`,
  '',
].join('\n---\n').replace(/---\n$/, '');
