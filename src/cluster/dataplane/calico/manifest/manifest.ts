// calico.yaml of Calico v3.32: what the operator applies in place of flannel's. One setting differs from what the project ships: the
// pool has no tunnel (CALICO_IPV4POOL_IPIP is Never), since all nodes stand in one network.

import type { ApiObject } from '../../../api/meta.ts';
import { formatYaml } from '../../../api/yaml.ts';
import { CALICO_VERSION } from '../log.ts';
import { calicoDefinitions } from './crds.ts';
import { calicoAccounts, calicoRoles } from './rbac.ts';

export const NODE_IMAGE = `quay.io/calico/node:${CALICO_VERSION}`;
export const CNI_IMAGE = `quay.io/calico/cni:${CALICO_VERSION}`;
export const KUBE_CONTROLLERS_IMAGE = `quay.io/calico/kube-controllers:${CALICO_VERSION}`;

const NAMESPACE = 'kube-system';

const CNI_CONFIG = `{
  "name": "k8s-pod-network",
  "cniVersion": "1.0.0",
  "plugins": [
    {
      "type": "calico",
      "log_level": "info",
      "log_file_path": "/var/log/calico/cni/cni.log",
      "datastore_type": "kubernetes",
      "nodename": "__KUBERNETES_NODE_NAME__",
      "mtu": __CNI_MTU__,
      "ipam": {
          "type": "calico-ipam"
      },
      "policy": {
          "type": "k8s"
      },
      "kubernetes": {
          "kubeconfig": "__KUBECONFIG_FILEPATH__"
      }
    },
    {
      "type": "portmap",
      "snat": true,
      "capabilities": {"portMappings": true}
    }
  ]
}`;

/** The documents of the file, in order. Calico finds the Pods' range in kubeadm's configuration by itself. */
export const calicoManifest = (): ApiObject[] => [
  {
    apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name: 'calico-kube-controllers', namespace: NAMESPACE, labels: { 'k8s-app': 'calico-kube-controllers' } },
    spec: { maxUnavailable: 1, selector: { matchLabels: { 'k8s-app': 'calico-kube-controllers' } } },
  } as ApiObject,
  ...calicoAccounts(),
  {
    apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'calico-config', namespace: NAMESPACE },
    data: { calico_backend: 'bird', cni_network_config: CNI_CONFIG, typha_service_name: 'none', veth_mtu: '0' },
  } as ApiObject,
  ...calicoDefinitions(),
  ...calicoRoles(),
  daemonSet(),
  kubeControllers(),
];

export const calicoManifestText = (): string => calicoManifest().map((document) => formatYaml(document)).join('---\n');

const value = (name: string, text: string): object => ({ name, value: text });
const nodeName = (name: string): object => ({ name, valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } });
const setting = (name: string, key: string): object => ({ name, valueFrom: { configMapKeyRef: { key, name: 'calico-config' } } });
const ENV_FROM = [{ configMapRef: { name: 'kubernetes-services-endpoint', optional: true } }];
const mount = (name: string, mountPath: string, more: object = {}): object => ({ mountPath, name, ...more });
const hostPath = (name: string, path: string, type?: string): object => ({ hostPath: type === undefined ? { path } : { path, type }, name });
const exec = (...command: readonly string[]): object => ({ exec: { command } });

function daemonSet(): ApiObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { labels: { 'k8s-app': 'calico-node' }, name: 'calico-node', namespace: NAMESPACE },
    spec: {
      selector: { matchLabels: { 'k8s-app': 'calico-node' } },
      template: {
        metadata: { labels: { 'k8s-app': 'calico-node' } },
        spec: {
          containers: [nodeContainer()],
          hostNetwork: true,
          initContainers: [
            {
              command: ['/opt/cni/bin/calico-ipam', '-upgrade'],
              env: [nodeName('KUBERNETES_NODE_NAME'), setting('CALICO_NETWORKING_BACKEND', 'calico_backend')],
              envFrom: ENV_FROM,
              image: CNI_IMAGE,
              imagePullPolicy: 'IfNotPresent',
              name: 'upgrade-ipam',
              securityContext: { privileged: true },
              volumeMounts: [mount('host-local-net-dir', '/var/lib/cni/networks'), mount('cni-bin-dir', '/host/opt/cni/bin')],
            },
            {
              command: ['/opt/cni/bin/install'],
              env: [
                value('CNI_CONF_NAME', '10-calico.conflist'), setting('CNI_NETWORK_CONFIG', 'cni_network_config'), nodeName('KUBERNETES_NODE_NAME'), setting('CNI_MTU', 'veth_mtu'),
                value('SLEEP', 'false'),
              ],
              envFrom: ENV_FROM,
              image: CNI_IMAGE,
              imagePullPolicy: 'IfNotPresent',
              name: 'install-cni',
              securityContext: { privileged: true },
              volumeMounts: [mount('cni-bin-dir', '/host/opt/cni/bin'), mount('cni-net-dir', '/host/etc/cni/net.d')],
            },
          ],
          nodeSelector: { 'kubernetes.io/os': 'linux' },
          priorityClassName: 'system-node-critical',
          securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
          serviceAccountName: 'calico-node',
          terminationGracePeriodSeconds: 0,
          tolerations: [{ effect: 'NoSchedule', operator: 'Exists' }, { key: 'CriticalAddonsOnly', operator: 'Exists' }, { effect: 'NoExecute', operator: 'Exists' }],
          volumes: [
            hostPath('lib-modules', '/lib/modules'),
            hostPath('var-run-calico', '/var/run/calico', 'DirectoryOrCreate'),
            hostPath('var-lib-calico', '/var/lib/calico', 'DirectoryOrCreate'),
            hostPath('xtables-lock', '/run/xtables.lock', 'FileOrCreate'),
            hostPath('cni-bin-dir', '/opt/cni/bin', 'DirectoryOrCreate'),
            hostPath('cni-net-dir', '/etc/cni/net.d'),
            hostPath('cni-log-dir', '/var/log/calico/cni'),
            hostPath('host-local-net-dir', '/var/lib/cni/networks'),
            hostPath('policysync', '/var/run/nodeagent', 'DirectoryOrCreate'),
          ],
        },
      },
      updateStrategy: { rollingUpdate: { maxUnavailable: 1 }, type: 'RollingUpdate' },
    },
  } as ApiObject;
}

const nodeContainer = (): object => ({
  env: [
    value('DATASTORE_TYPE', 'kubernetes'),
    value('WAIT_FOR_DATASTORE', 'true'),
    nodeName('NODENAME'),
    setting('CALICO_NETWORKING_BACKEND', 'calico_backend'),
    value('CLUSTER_TYPE', 'k8s,bgp'),
    value('IP', 'autodetect'),
    value('CALICO_IPV4POOL_IPIP', 'Never'),
    value('CALICO_IPV4POOL_VXLAN', 'Never'),
    value('CALICO_IPV6POOL_VXLAN', 'Never'),
    value('CALICO_DISABLE_FILE_LOGGING', 'true'),
    value('FELIX_DEFAULTENDPOINTTOHOSTACTION', 'ACCEPT'),
    value('FELIX_IPV6SUPPORT', 'false'),
    value('FELIX_HEALTHENABLED', 'true'),
  ],
  envFrom: ENV_FROM,
  image: NODE_IMAGE,
  imagePullPolicy: 'IfNotPresent',
  lifecycle: { preStop: exec('/bin/calico-node', '-shutdown') },
  livenessProbe: { ...exec('/bin/calico-node', '-felix-live', '-bird-live'), failureThreshold: 6, initialDelaySeconds: 10, periodSeconds: 10, timeoutSeconds: 10 },
  name: 'calico-node',
  readinessProbe: { ...exec('/bin/calico-node', '-felix-ready', '-bird-ready'), periodSeconds: 10, timeoutSeconds: 10 },
  resources: { requests: { cpu: '250m' } },
  securityContext: { privileged: true },
  volumeMounts: [
    mount('cni-net-dir', '/host/etc/cni/net.d', { readOnly: false }),
    mount('lib-modules', '/lib/modules', { readOnly: true }),
    mount('xtables-lock', '/run/xtables.lock', { readOnly: false }),
    mount('var-run-calico', '/var/run/calico', { readOnly: false }),
    mount('var-lib-calico', '/var/lib/calico', { readOnly: false }),
    mount('policysync', '/var/run/nodeagent'),
    mount('cni-log-dir', '/var/log/calico/cni', { readOnly: true }),
  ],
});

function kubeControllers(): ApiObject {
  const labels = { 'k8s-app': 'calico-kube-controllers' };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { labels, name: 'calico-kube-controllers', namespace: NAMESPACE },
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      strategy: { type: 'Recreate' },
      template: {
        metadata: { labels, name: 'calico-kube-controllers', namespace: NAMESPACE },
        spec: {
          containers: [
            {
              env: [value('ENABLED_CONTROLLERS', 'node,loadbalancer'), value('DATASTORE_TYPE', 'kubernetes')],
              image: KUBE_CONTROLLERS_IMAGE,
              imagePullPolicy: 'IfNotPresent',
              livenessProbe: { ...exec('/usr/bin/check-status', '-l'), failureThreshold: 6, initialDelaySeconds: 10, periodSeconds: 10, timeoutSeconds: 10 },
              name: 'calico-kube-controllers',
              readinessProbe: { ...exec('/usr/bin/check-status', '-r'), periodSeconds: 10 },
              securityContext: { runAsNonRoot: true },
            },
          ],
          nodeSelector: { 'kubernetes.io/os': 'linux' },
          priorityClassName: 'system-cluster-critical',
          securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
          serviceAccountName: 'calico-kube-controllers',
          tolerations: [
            { key: 'CriticalAddonsOnly', operator: 'Exists' }, { effect: 'NoSchedule', key: 'node-role.kubernetes.io/master' }, { effect: 'NoSchedule', key: 'node-role.kubernetes.io/control-plane' },
          ],
        },
      },
    },
  } as ApiObject;
}
