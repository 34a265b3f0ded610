// Manifests to begin with. Each shows one idea.

import type { en } from '../i18n/en.ts';

export interface Starter {
  readonly key: keyof typeof en.editor.starters;
  readonly text: string;
}

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 3
  selector:
    matchLabels:
      app: web
  template:
    metadata:
      labels:
        app: web
    spec:
      containers:
        - name: nginx
          image: nginx:1.27
          ports:
            - containerPort: 80
          readinessProbe:
            httpGet:
              path: /
              port: 80
---
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  selector:
    app: web
  ports:
    - port: 80
      targetPort: 80
`;

const pod = `apiVersion: v1
kind: Pod
metadata:
  name: lonely
  labels:
    app: lonely
spec:
  containers:
    - name: nginx
      image: nginx:1.27
`;

const twoContainers = `apiVersion: v1
kind: Pod
metadata:
  name: pair
spec:
  containers:
    - name: server
      image: nginx:1.27
      ports:
        - containerPort: 80
    - name: neighbour
      image: busybox:1.36
      command:
        - sh
        - -c
        - while true; do wget -q -O- http://localhost; sleep 5; done
`;

const badImage = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: typo
spec:
  replicas: 2
  selector:
    matchLabels:
      app: typo
  template:
    metadata:
      labels:
        app: typo
    spec:
      containers:
        - name: nginx
          image: nginx:1.99-typo
`;

const tooBig = `apiVersion: v1
kind: Pod
metadata:
  name: giant
spec:
  containers:
    - name: nginx
      image: nginx:1.27
      resources:
        requests:
          cpu: "64"
          memory: 512Gi
`;

const daemonset = `apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: watchman
spec:
  selector:
    matchLabels:
      app: watchman
  template:
    metadata:
      labels:
        app: watchman
    spec:
      containers:
        - name: watch
          image: busybox:1.36
          command: ["sh", "-c", "while true; do echo all quiet; sleep 30; done"]
`;

export const STARTERS: readonly [Starter, ...Starter[]] = [
  { key: 'deployment', text: deployment },
  { key: 'pod', text: pod },
  { key: 'twoContainers', text: twoContainers },
  { key: 'daemonset', text: daemonset },
  { key: 'badImage', text: badImage },
  { key: 'tooBig', text: tooBig },
];
