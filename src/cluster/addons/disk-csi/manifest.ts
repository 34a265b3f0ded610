// https://addons.orrery.example/disk-csi.yaml: the driver as a Deployment with its sidecars, a DaemonSet on every node, and a StorageClass that is the cluster's
// default. Laid out as the block storage drivers of clouds are (aws-ebs-csi-driver, gcp-compute-persistent-disk-csi-driver).

import { DRIVER } from './driver.ts';

export const DISK_CSI_IMAGE = 'registry.orrery.example/disk-csi-driver:v1.0.0';
const SIG_STORAGE = 'registry.k8s.io/sig-storage';
export const CSI_PROVISIONER_IMAGE = `${SIG_STORAGE}/csi-provisioner:v6.1.0`;
export const CSI_ATTACHER_IMAGE = `${SIG_STORAGE}/csi-attacher:v4.10.0`;
export const CSI_RESIZER_IMAGE = `${SIG_STORAGE}/csi-resizer:v2.0.0`;
export const CSI_REGISTRAR_IMAGE = `${SIG_STORAGE}/csi-node-driver-registrar:v2.15.0`;

export const diskCsiManifest = `apiVersion: v1
kind: ServiceAccount
metadata:
  name: disk-csi-controller
  namespace: kube-system
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: disk-csi-node
  namespace: kube-system
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: disk-csi-controller
rules:
- apiGroups: [""]
  resources: [persistentvolumes]
  verbs: [get, list, watch, create, update, patch, delete]
- apiGroups: [""]
  resources: [persistentvolumeclaims]
  verbs: [get, list, watch, update]
- apiGroups: [""]
  resources: [persistentvolumeclaims/status]
  verbs: [update, patch]
- apiGroups: [""]
  resources: [events]
  verbs: [list, watch, create, update, patch]
- apiGroups: [""]
  resources: [nodes, pods]
  verbs: [get, list, watch]
- apiGroups: [storage.k8s.io]
  resources: [storageclasses, csinodes]
  verbs: [get, list, watch]
- apiGroups: [storage.k8s.io]
  resources: [volumeattachments]
  verbs: [get, list, watch, update, patch]
- apiGroups: [storage.k8s.io]
  resources: [volumeattachments/status]
  verbs: [patch]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: disk-csi-controller
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: disk-csi-controller
subjects:
- kind: ServiceAccount
  name: disk-csi-controller
  namespace: kube-system
---
apiVersion: storage.k8s.io/v1
kind: CSIDriver
metadata:
  name: ${DRIVER}
spec:
  attachRequired: true
  podInfoOnMount: false
  volumeLifecycleModes:
  - Persistent
---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata:
  name: standard
  annotations:
    storageclass.kubernetes.io/is-default-class: "true"
provisioner: ${DRIVER}
reclaimPolicy: Delete
volumeBindingMode: WaitForFirstConsumer
allowVolumeExpansion: true
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: disk-csi-controller
  namespace: kube-system
  labels:
    app.kubernetes.io/name: disk-csi-driver
spec:
  replicas: 1
  selector:
    matchLabels:
      app: disk-csi-controller
  template:
    metadata:
      labels:
        app: disk-csi-controller
        app.kubernetes.io/name: disk-csi-driver
    spec:
      serviceAccountName: disk-csi-controller
      priorityClassName: system-cluster-critical
      tolerations:
      - key: CriticalAddonsOnly
        operator: Exists
      - effect: NoExecute
        operator: Exists
        tolerationSeconds: 300
      containers:
      - name: disk-plugin
        image: ${DISK_CSI_IMAGE}
        args:
        - --mode=controller
        - --endpoint=unix:///csi/csi.sock
        volumeMounts:
        - name: socket-dir
          mountPath: /csi
      - name: csi-provisioner
        image: ${CSI_PROVISIONER_IMAGE}
        args:
        - --csi-address=/csi/csi.sock
        - --v=2
        volumeMounts:
        - name: socket-dir
          mountPath: /csi
      - name: csi-attacher
        image: ${CSI_ATTACHER_IMAGE}
        args:
        - --csi-address=/csi/csi.sock
        - --v=2
        volumeMounts:
        - name: socket-dir
          mountPath: /csi
      - name: csi-resizer
        image: ${CSI_RESIZER_IMAGE}
        args:
        - --csi-address=/csi/csi.sock
        - --v=2
        volumeMounts:
        - name: socket-dir
          mountPath: /csi
      volumes:
      - name: socket-dir
        emptyDir: {}
---
apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: disk-csi-node
  namespace: kube-system
  labels:
    app.kubernetes.io/name: disk-csi-driver
spec:
  selector:
    matchLabels:
      app: disk-csi-node
  template:
    metadata:
      labels:
        app: disk-csi-node
        app.kubernetes.io/name: disk-csi-driver
    spec:
      serviceAccountName: disk-csi-node
      priorityClassName: system-node-critical
      hostNetwork: true
      tolerations:
      - operator: Exists
      containers:
      - name: disk-plugin
        image: ${DISK_CSI_IMAGE}
        args:
        - --mode=node
        - --endpoint=unix:///csi/csi.sock
        - --node-id=$(NODE_NAME)
        env:
        - name: NODE_NAME
          valueFrom:
            fieldRef:
              fieldPath: spec.nodeName
        securityContext:
          privileged: true
        volumeMounts:
        - name: plugin-dir
          mountPath: /csi
        - name: kubelet-dir
          mountPath: /var/lib/kubelet
          mountPropagation: Bidirectional
        - name: device-dir
          mountPath: /dev
      - name: node-driver-registrar
        image: ${CSI_REGISTRAR_IMAGE}
        args:
        - --csi-address=/csi/csi.sock
        - --kubelet-registration-path=/var/lib/kubelet/plugins/${DRIVER}/csi.sock
        volumeMounts:
        - name: plugin-dir
          mountPath: /csi
        - name: registration-dir
          mountPath: /registration
      volumes:
      - name: plugin-dir
        hostPath:
          path: /var/lib/kubelet/plugins/${DRIVER}
          type: DirectoryOrCreate
      - name: registration-dir
        hostPath:
          path: /var/lib/kubelet/plugins_registry
          type: Directory
      - name: kubelet-dir
        hostPath:
          path: /var/lib/kubelet
          type: Directory
      - name: device-dir
        hostPath:
          path: /dev
`;
