// deploy.yaml of ingress-nginx' static manifests: bare metal (a NodePort Service, addresses of nodes in the status) and cloud (a
// LoadBalancer Service whose address is published).

export const INGRESS_NGINX_IMAGE = 'registry.k8s.io/ingress-nginx/controller:v1.15.1';
export const CERTGEN_IMAGE = 'registry.k8s.io/ingress-nginx/kube-webhook-certgen:v1.6.9';

const labels = (indent: string, component: string): string =>
  [
    ...(component === '' ? [] : [`app.kubernetes.io/component: ${component}`]),
    'app.kubernetes.io/instance: ingress-nginx',
    'app.kubernetes.io/name: ingress-nginx',
    'app.kubernetes.io/part-of: ingress-nginx',
    'app.kubernetes.io/version: 1.15.1',
  ].join(`\n${indent}`);

const meta = (name: string, component: string, namespaced = true): string => `metadata:
  labels:
    ${labels('    ', component)}
  name: ${name}${namespaced ? '\n  namespace: ingress-nginx' : ''}`;

const serviceAccount = (name: string, component: string): string => `apiVersion: v1
automountServiceAccountToken: true
kind: ServiceAccount
${meta(name, component)}`;

const binding = (kind: 'Role' | 'ClusterRole', name: string, component: string): string => `apiVersion: rbac.authorization.k8s.io/v1
kind: ${kind}Binding
${meta(name, component, kind === 'Role')}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ${kind}
  name: ${name}
subjects:
- kind: ServiceAccount
  name: ${name}
  namespace: ingress-nginx`;

const READ_INGRESSES = `- apiGroups: [networking.k8s.io]
  resources: [ingresses]
  verbs: [get, list, watch]
- apiGroups: [networking.k8s.io]
  resources: [ingresses/status]
  verbs: [update]
- apiGroups: [networking.k8s.io]
  resources: [ingressclasses]
  verbs: [get, list, watch]`;

const SLICES = `- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [list, watch, get]`;

const EVENTS = `- apiGroups: [""]
  resources: [events]
  verbs: [create, patch]`;

const job = (name: string, args: readonly string[], env: string): string => `apiVersion: batch/v1
kind: Job
${meta(`ingress-nginx-admission-${name}`, 'admission-webhook')}
spec:
  template:
    metadata:
      labels:
        ${labels('        ', 'admission-webhook')}
      name: ingress-nginx-admission-${name}
    spec:
      automountServiceAccountToken: true
      containers:
      - args:
        ${args.map((arg) => `- ${arg}`).join('\n        ')}
        env:
        - name: POD_NAMESPACE
          valueFrom:
            fieldRef:
              fieldPath: metadata.namespace
        image: ${CERTGEN_IMAGE}
        imagePullPolicy: IfNotPresent
        name: ${env}
        securityContext:
          allowPrivilegeEscalation: false
          capabilities:
            drop: [ALL]
          readOnlyRootFilesystem: true
          runAsGroup: 65532
          runAsNonRoot: true
          runAsUser: 65532
          seccompProfile:
            type: RuntimeDefault
      nodeSelector:
        kubernetes.io/os: linux
      restartPolicy: OnFailure
      serviceAccountName: ingress-nginx-admission
  ttlSecondsAfterFinished: 0`;

const probe = (failures: number): string => `          failureThreshold: ${failures}
          httpGet:
            path: /healthz
            port: 10254
            scheme: HTTP
          initialDelaySeconds: 10
          periodSeconds: 10
          successThreshold: 1
          timeoutSeconds: 1`;

const manifest = (flavour: 'baremetal' | 'cloud'): string =>
  [
    `apiVersion: v1
kind: Namespace
metadata:
  labels:
    app.kubernetes.io/instance: ingress-nginx
    app.kubernetes.io/name: ingress-nginx
  name: ingress-nginx`,
    serviceAccount('ingress-nginx', 'controller'),
    serviceAccount('ingress-nginx-admission', 'admission-webhook'),
    `apiVersion: rbac.authorization.k8s.io/v1
kind: Role
${meta('ingress-nginx', 'controller')}
rules:
- apiGroups: [""]
  resources: [namespaces]
  verbs: [get]
- apiGroups: [""]
  resources: [configmaps, pods, secrets, endpoints]
  verbs: [get, list, watch]
- apiGroups: [""]
  resources: [services]
  verbs: [get, list, watch]
${READ_INGRESSES}
- apiGroups: [coordination.k8s.io]
  resourceNames: [ingress-nginx-leader]
  resources: [leases]
  verbs: [get, update]
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [create]
${EVENTS}
${SLICES}`,
    `apiVersion: rbac.authorization.k8s.io/v1
kind: Role
${meta('ingress-nginx-admission', 'admission-webhook')}
rules:
- apiGroups: [""]
  resources: [secrets]
  verbs: [get, create]`,
    `apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
${meta('ingress-nginx', '', false)}
rules:
- apiGroups: [""]
  resources: [configmaps, endpoints, nodes, pods, secrets, namespaces]
  verbs: [list, watch]
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [list, watch]
- apiGroups: [""]
  resources: [nodes]
  verbs: [get]
- apiGroups: [""]
  resources: [services]
  verbs: [get, list, watch]
${EVENTS}
${READ_INGRESSES}
${SLICES}`,
    `apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
${meta('ingress-nginx-admission', 'admission-webhook', false)}
rules:
- apiGroups: [admissionregistration.k8s.io]
  resources: [validatingwebhookconfigurations]
  verbs: [get, update]`,
    binding('Role', 'ingress-nginx', 'controller'),
    binding('Role', 'ingress-nginx-admission', 'admission-webhook'),
    binding('ClusterRole', 'ingress-nginx', ''),
    binding('ClusterRole', 'ingress-nginx-admission', 'admission-webhook'),
    `apiVersion: v1
data: null
kind: ConfigMap
${meta('ingress-nginx-controller', 'controller')}`,
    `apiVersion: v1
kind: Service
${meta('ingress-nginx-controller', 'controller')}
spec:${flavour === 'cloud' ? '\n  externalTrafficPolicy: Local' : ''}
  ipFamilies:
  - IPv4
  ipFamilyPolicy: SingleStack
  ports:
  - appProtocol: http
    name: http
    port: 80
    protocol: TCP
    targetPort: http
  - appProtocol: https
    name: https
    port: 443
    protocol: TCP
    targetPort: https
  selector:
    app.kubernetes.io/component: controller
    app.kubernetes.io/instance: ingress-nginx
    app.kubernetes.io/name: ingress-nginx
  type: ${flavour === 'cloud' ? 'LoadBalancer' : 'NodePort'}`,
    `apiVersion: v1
kind: Service
${meta('ingress-nginx-controller-admission', 'controller')}
spec:
  ports:
  - appProtocol: https
    name: https-webhook
    port: 443
    targetPort: webhook
  selector:
    app.kubernetes.io/component: controller
    app.kubernetes.io/instance: ingress-nginx
    app.kubernetes.io/name: ingress-nginx
  type: ClusterIP`,
    `apiVersion: apps/v1
kind: Deployment
${meta('ingress-nginx-controller', 'controller')}
spec:
  minReadySeconds: 0
  revisionHistoryLimit: 10
  selector:
    matchLabels:
      app.kubernetes.io/component: controller
      app.kubernetes.io/instance: ingress-nginx
      app.kubernetes.io/name: ingress-nginx
  strategy:
    rollingUpdate:
      maxUnavailable: 1
    type: RollingUpdate
  template:
    metadata:
      labels:
        ${labels('        ', 'controller')}
    spec:
      automountServiceAccountToken: true
      containers:
      - args:
        - /nginx-ingress-controller${flavour === 'cloud' ? '\n        - --publish-service=$(POD_NAMESPACE)/ingress-nginx-controller' : ''}
        - --election-id=ingress-nginx-leader
        - --controller-class=k8s.io/ingress-nginx
        - --ingress-class=nginx
        - --configmap=$(POD_NAMESPACE)/ingress-nginx-controller
        - --validating-webhook=:8443
        - --validating-webhook-certificate=/usr/local/certificates/cert
        - --validating-webhook-key=/usr/local/certificates/key
        env:
        - name: POD_NAME
          valueFrom:
            fieldRef:
              fieldPath: metadata.name
        - name: POD_NAMESPACE
          valueFrom:
            fieldRef:
              fieldPath: metadata.namespace
        - name: LD_PRELOAD
          value: /usr/local/lib/libmimalloc.so
        image: ${INGRESS_NGINX_IMAGE}
        imagePullPolicy: IfNotPresent
        lifecycle:
          preStop:
            exec:
              command:
              - /wait-shutdown
        livenessProbe:
${probe(5)}
        name: controller
        ports:
        - containerPort: 80
          name: http
          protocol: TCP
        - containerPort: 443
          name: https
          protocol: TCP
        - containerPort: 8443
          name: webhook
          protocol: TCP
        readinessProbe:
${probe(3)}
        resources:
          requests:
            cpu: 100m
            memory: 90Mi
        securityContext:
          allowPrivilegeEscalation: false
          capabilities:
            add: [NET_BIND_SERVICE]
            drop: [ALL]
          readOnlyRootFilesystem: false
          runAsGroup: 82
          runAsNonRoot: true
          runAsUser: 101
          seccompProfile:
            type: RuntimeDefault
        volumeMounts:
        - mountPath: /usr/local/certificates/
          name: webhook-cert
          readOnly: true
      dnsPolicy: ClusterFirst
      nodeSelector:
        kubernetes.io/os: linux
      serviceAccountName: ingress-nginx
      terminationGracePeriodSeconds: 300
      volumes:
      - name: webhook-cert
        secret:
          secretName: ingress-nginx-admission`,
    job(
      'create',
      [
        'create',
        '--host=ingress-nginx-controller-admission,ingress-nginx-controller-admission.$(POD_NAMESPACE).svc',
        '--namespace=$(POD_NAMESPACE)',
        '--secret-name=ingress-nginx-admission',
      ],
      'create',
    ),
    job(
      'patch',
      [
        'patch',
        '--webhook-name=ingress-nginx-admission',
        '--namespace=$(POD_NAMESPACE)',
        '--patch-mutating=false',
        '--secret-name=ingress-nginx-admission',
        '--patch-failure-policy=Fail',
      ],
      'patch',
    ),
    `apiVersion: networking.k8s.io/v1
kind: IngressClass
${meta('nginx', 'controller', false)}
spec:
  controller: k8s.io/ingress-nginx`,
    `apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
${meta('ingress-nginx-admission', 'admission-webhook', false)}
webhooks:
- admissionReviewVersions: [v1]
  clientConfig:
    service:
      name: ingress-nginx-controller-admission
      namespace: ingress-nginx
      path: /networking/v1/ingresses
      port: 443
  failurePolicy: Fail
  matchPolicy: Equivalent
  name: validate.nginx.ingress.kubernetes.io
  rules:
  - apiGroups: [networking.k8s.io]
    apiVersions: [v1]
    operations: [CREATE, UPDATE]
    resources: [ingresses]
  sideEffects: None`,
    '',
  ].join('\n---\n');

export const ingressNginxBareMetal = manifest('baremetal').replace(/---\n$/, '');
export const ingressNginxCloud = manifest('cloud').replace(/---\n$/, '');
