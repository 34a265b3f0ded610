// What lies on the internet for `kubectl apply -f https://…`: the manifests that add-ons and the documentation's walkthroughs are installed from.

import { diskCsiManifest } from '../cluster/addons/disk-csi/manifest.ts';
import { flannelEtcdManifest } from '../cluster/addons/flannel-etcd/manifest.ts';
import { gatewayApiCrds } from '../cluster/addons/gateway/crds.ts';
import { ngfManifest } from '../cluster/addons/gateway/manifest.ts';
import { ingressNginxBareMetal, ingressNginxCloud } from '../cluster/addons/ingress-nginx/manifest.ts';
import { localPathManifest } from '../cluster/addons/local-path/manifest.ts';
import { metallbManifest } from '../cluster/addons/metallb/manifest.ts';
import { metricsServerManifest } from '../cluster/addons/metrics-server/manifest.ts';
import { calicoManifestText } from '../cluster/dataplane/calico/manifest/manifest.ts';
import type { PublicDocument } from '../kubectl/resource/public-documents.ts';

const PHP_APACHE = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: php-apache
spec:
  selector:
    matchLabels:
      run: php-apache
  template:
    metadata:
      labels:
        run: php-apache
    spec:
      containers:
      - name: php-apache
        image: registry.k8s.io/hpa-example
        ports:
        - containerPort: 80
        resources:
          limits:
            cpu: 500m
          requests:
            cpu: 200m
---
apiVersion: v1
kind: Service
metadata:
  name: php-apache
  labels:
    run: php-apache
spec:
  ports:
  - port: 80
  selector:
    run: php-apache
`;

const ingressNginx = (flavour: string): RegExp =>
  new RegExp(`^https://raw\\.githubusercontent\\.com/kubernetes/ingress-nginx/(main|controller-v[\\d.]+)/deploy/static/provider/(${flavour})/deploy\\.yaml$`);

export const publicDocuments: readonly PublicDocument[] = [
  { url: /^https:\/\/raw\.githubusercontent\.com\/rancher\/local-path-provisioner\/(v[\d.]+|master)\/deploy\/local-path-storage\.yaml$/, text: localPathManifest },
  {
    url: /^https:\/\/github\.com\/kubernetes-sigs\/metrics-server\/releases\/(latest\/download|download\/v[\d.]+)\/(components|high-availability(-1\.21\+)?)\.yaml$/,
    text: metricsServerManifest,
  },
  { url: /^https:\/\/addons\.orrery\.example\/ingress-nginx\.yaml$/, text: ingressNginxBareMetal },
  { url: /^https:\/\/addons\.orrery\.example\/metallb\.yaml$/, text: metallbManifest },
  { url: /^https:\/\/raw\.githubusercontent\.com\/metallb\/metallb\/(v[\d.]+|main)\/config\/manifests\/metallb-native\.yaml$/, text: metallbManifest },
  { url: /^https:\/\/addons\.orrery\.example\/gateway-api\.yaml$/, text: gatewayApiCrds },
  { url: /^https:\/\/addons\.orrery\.example\/nginx-gateway-fabric\.yaml$/, text: ngfManifest },
  { url: /^https:\/\/github\.com\/kubernetes-sigs\/gateway-api\/releases\/(latest\/download|download\/v[\d.]+)\/(standard|experimental)-install\.yaml$/, text: gatewayApiCrds },
  { url: /^https:\/\/raw\.githubusercontent\.com\/nginx\/nginx-gateway-fabric\/(v[\d.]+|main)\/deploy\/(default|nodeport)\/deploy\.yaml$/, text: ngfManifest },
  { url: ingressNginx('baremetal'), text: ingressNginxBareMetal },
  { url: ingressNginx('cloud|kind|do|scw|exoscale'), text: ingressNginxCloud },
  {
    url: /^https:\/\/raw\.githubusercontent\.com\/projectcalico\/calico\/(v3\.\d+\.\d+|master)\/manifests\/calico\.yaml$/,
    get text() {
      return calicoManifestText();
    },
  },
  { url: /^https:\/\/addons\.orrery\.example\/disk-csi\.yaml$/, text: diskCsiManifest },
  { url: /^https:\/\/addons\.orrery\.example\/kube-flannel-etcd\.yml$/, text: flannelEtcdManifest },
  { url: /^https:\/\/(k8s\.io|kubernetes\.io|raw\.githubusercontent\.com\/kubernetes\/website\/main\/content\/en)\/examples\/application\/php-apache\.yaml$/, text: PHP_APACHE },
];
