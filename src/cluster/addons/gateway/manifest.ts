// deploy.yaml of NGINX Gateway Fabric: the control plane, its certificates, and the GatewayClass `nginx`. Its own custom resources
// (NginxProxy and the policies) are left out.

import { CONTROLLER_NAME } from './types.ts';
import { NGF_IMAGE, NGF_VERSION } from './versions.ts';

const labels = `labels:
    app.kubernetes.io/instance: nginx-gateway
    app.kubernetes.io/name: nginx-gateway
    app.kubernetes.io/version: ${NGF_VERSION}`;
const meta = (name: string, namespaced = true): string => `metadata:
  ${labels}
  name: ${name}${namespaced ? '\n  namespace: nginx-gateway' : ''}`;
const security = `securityContext:
          allowPrivilegeEscalation: false
          capabilities: {drop: [ALL]}
          readOnlyRootFilesystem: true
          runAsGroup: 1001
          runAsUser: 101
          seccompProfile: {type: RuntimeDefault}`;

export const ngfManifest = [
  'apiVersion: v1\nkind: Namespace\nmetadata:\n  name: nginx-gateway',
  `apiVersion: v1\nautomountServiceAccountToken: false\nkind: ServiceAccount\n${meta('nginx-gateway')}`,
  `apiVersion: v1\nautomountServiceAccountToken: false\nkind: ServiceAccount\n${meta('nginx-gateway-cert-generator')}`,
  `apiVersion: rbac.authorization.k8s.io/v1
kind: Role
${meta('nginx-gateway-cert-generator')}
rules:
- {apiGroups: [""], resources: [secrets], verbs: [create, update, get]}`,
  `apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
${meta('nginx-gateway', false)}
rules:
- {apiGroups: [""], resources: [namespaces], verbs: [get, list, watch]}
- {apiGroups: [""], resources: [nodes], verbs: [list]}
- {apiGroups: [authentication.k8s.io], resources: [tokenreviews], verbs: [create]}
- {apiGroups: [apiextensions.k8s.io], resources: [customresourcedefinitions], verbs: [list, watch]}
- {apiGroups: [""], resources: [secrets, configmaps, serviceaccounts, services], verbs: [create, update, delete, list, get, watch]}
- {apiGroups: [""], resources: [pods], verbs: [get, list, watch]}
- {apiGroups: [events.k8s.io, ""], resources: [events], verbs: [create, patch]}
- {apiGroups: [apps], resources: [deployments, daemonsets], verbs: [create, update, delete, list, get, watch]}
- {apiGroups: [apps], resources: [replicasets], verbs: [get, list]}
- {apiGroups: [discovery.k8s.io], resources: [endpointslices], verbs: [list, watch]}
- {apiGroups: [gateway.networking.k8s.io], resources: [gatewayclasses, gateways, httproutes, referencegrants], verbs: [list, watch]}
- {apiGroups: [gateway.networking.k8s.io], resources: [gatewayclasses/status, gateways/status, gateways/finalizers, httproutes/status], verbs: [update]}
- {apiGroups: [coordination.k8s.io], resources: [leases], verbs: [create, get, update]}`,
  `apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
${meta('nginx-gateway-cert-generator')}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: nginx-gateway-cert-generator}
subjects:
- {kind: ServiceAccount, name: nginx-gateway-cert-generator, namespace: nginx-gateway}`,
  `apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
${meta('nginx-gateway', false)}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: nginx-gateway}
subjects:
- {kind: ServiceAccount, name: nginx-gateway, namespace: nginx-gateway}`,
  `apiVersion: v1
kind: Service
${meta('nginx-gateway')}
spec:
  ports:
  - {name: agent-grpc, port: 443, protocol: TCP, targetPort: 8443}
  selector:
    app.kubernetes.io/instance: nginx-gateway
    app.kubernetes.io/name: nginx-gateway
  type: ClusterIP`,
  `apiVersion: apps/v1
kind: Deployment
${meta('nginx-gateway')}
spec:
  replicas: 1
  selector:
    matchLabels:
      app.kubernetes.io/instance: nginx-gateway
      app.kubernetes.io/name: nginx-gateway
  template:
    metadata:
      labels:
        app.kubernetes.io/instance: nginx-gateway
        app.kubernetes.io/name: nginx-gateway
    spec:
      automountServiceAccountToken: true
      containers:
      - args:
        - controller
        - --gateway-ctlr-name=${CONTROLLER_NAME}
        - --gatewayclass=nginx
        - --service=nginx-gateway
        - --agent-tls-secret=agent-tls
        - --server-tls-domain=svc
        - --cluster-domain=cluster.local
        - --health-port=8081
        - --leader-election-lock-name=nginx-gateway-leader-election
        env:
        - name: POD_NAMESPACE
          valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
        - name: POD_NAME
          valueFrom: {fieldRef: {fieldPath: metadata.name}}
        - name: INSTANCE_NAME
          valueFrom: {fieldRef: {fieldPath: "metadata.labels['app.kubernetes.io/instance']"}}
        image: ${NGF_IMAGE}
        imagePullPolicy: IfNotPresent
        name: nginx-gateway
        ports:
        - {containerPort: 8443, name: agent-grpc}
        - {containerPort: 8081, name: health}
        readinessProbe:
          failureThreshold: 3
          httpGet: {path: /readyz, port: health}
          initialDelaySeconds: 3
          periodSeconds: 10
          successThreshold: 1
          timeoutSeconds: 1
        ${security}
        volumeMounts:
        - {mountPath: /var/run/secrets/ngf, name: nginx-agent-tls}
      securityContext: {fsGroup: 1001, runAsNonRoot: true}
      serviceAccountName: nginx-gateway
      terminationGracePeriodSeconds: 30
      volumes:
      - name: nginx-agent-tls
        secret: {secretName: server-tls}`,
  `apiVersion: batch/v1
kind: Job
${meta('nginx-gateway-cert-generator')}
spec:
  template:
    spec:
      automountServiceAccountToken: true
      containers:
      - args:
        - generate-certs
        - --service=nginx-gateway
        - --cluster-domain=cluster.local
        - --server-tls-domain=svc
        - --server-tls-secret=server-tls
        - --agent-tls-secret=agent-tls
        env:
        - name: POD_NAMESPACE
          valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
        image: ${NGF_IMAGE}
        imagePullPolicy: IfNotPresent
        name: cert-generator
        ${security}
      restartPolicy: Never
      securityContext: {fsGroup: 1001, runAsNonRoot: true}
      serviceAccountName: nginx-gateway-cert-generator
  ttlSecondsAfterFinished: 30`,
  `apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
${meta('nginx', false)}
spec:
  controllerName: ${CONTROLLER_NAME}
`,
].join('\n---\n');
