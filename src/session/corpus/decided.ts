// Where reading a manifest has decided that the expected end of the corpus is not what a plain cluster of 1.36 shows.

import type { End } from './outcome.ts';

export interface Decision {
  /** Of `file kind/name`. */
  readonly workload?: RegExp;
  /** Of what the status or the events say. */
  readonly message?: RegExp;
  /** The end that is right. */
  readonly end: End;
  readonly why: string;
}

export const DECISIONS: readonly Decision[] = [
  // ── what the API server of 1.36 does not take ──
  { message: /^no matches for kind/, end: 'Rejected', why: 'its API version is gone from 1.36' },
  { message: /selector` does not match template|spec\.selector: Required value/, end: 'Rejected', why: 'a part for kustomize (or of a removed version), without selector or labels' },
  { message: /cannot unmarshal bool into Go struct field EnvVar/, end: 'Rejected', why: 'an env value that is not quoted' },
  { message: /metadata\.name: Invalid value: "[^"]*[{$]/, end: 'Rejected', why: 'a template: its name is a placeholder' },
  { workload: /configuration-18\.yaml|konnectivity-agent\.yaml/, end: 'Rejected', why: 'its ServiceAccount is not in the directory' },
  { workload: /konnectivity-agent\.yaml/, end: 'Stuck', why: 'its ServiceAccount is not in the directory' },
  { workload: /pod-with-numeric-toleration/, end: 'Rejected', why: 'the operators Gt and Lt need the feature gate TaintTolerationComparisonOperators' },

  // ── images ──
  { workload: /bookinfo|istio__istio\/samples\/(ambient-argo|websockets)/, end: 'Ready', why: '"examples" is part of the name of published images' },
  { workload: /examplevotingapp|example-voting-app/, end: 'Ready', why: 'the images of the voting app are published' },
  { workload: /php-apache|HorizontalPodAutoscaler\/simple|auth-service/, end: 'Ready', why: '"example" is part of the name of a published image' },
  { message: /(my-gcp-project|myproject|yourcompany|xxx\/)/, end: 'Stuck', why: 'the image is a placeholder' },
  { message: /parse image name "[^"]*\{\{/, end: 'Stuck', why: 'the tag is a placeholder' },
  { message: /is not present with pull policy of Never/, end: 'Stuck', why: 'the image is built on the machine before' },
  { workload: /skaffold|no_such_image/, message: /pull access denied/, end: 'Stuck', why: 'the image is built on the machine before, or does not exist on purpose' },

  // ── what the tutorial does by hand, or another directory brings ──
  { workload: /pods\/config\/redis-pod/, end: 'Stuck', why: 'the tutorial makes the ConfigMap by a command' },
  { workload: /pod-nginx-specific-node|c\.pod_design-03/, end: 'Missing', why: 'bound to a node that does not exist; the Pod garbage collector takes it away' },
  { message: /missing required label/, end: 'Stuck', why: 'no node has the label of the topology' },
  { workload: /auto-pause|spire-quickstart/, message: /hostPath type check failed/, end: 'Stuck', why: 'the file on the node is made by minikube, or by the driver' },
  { workload: /init-container-pod|init-container\.yaml|myapp-pod/, end: 'Stuck', why: 'the init container waits for a Service that nobody makes' },
  { message: /unbound immediate PersistentVolumeClaims|storageclass\.storage\.k8s\.io "[^"]*" not found/, workload: /azure_disk|portworx|storageos|vsphere|longhorn__|csi-hostpath|mixtral|cassandra|local-path|cinder|nfs-subdir/, end: 'Stuck', why: 'the claim names a StorageClass whose provisioner is not there' },
  { message: /didn't match Pod's node affinity\/selector|Insufficient nvidia|Insufficient cpu|Insufficient memory/, workload: /ai-ml\/|cluster-autoscaler/, end: 'Stuck', why: 'scheduling comes before mounting: no node has the accelerator or label that it asks for' },

  { workload: /service-account-pod\.yaml/, end: 'Fails', why: 'here it has a namespace of its own, in which the name kubernetes is nobody' },

  { workload: /minio-backupstore/, message: /secret key: AWS_CERT/, end: 'Stuck', why: 'the Secret of the directory lacks a key that the volume names' },
  { workload: /volcengine|alicloud/, message: /secret "cloud-config" not found/, end: 'Stuck', why: 'the Secret is made by hand' },
  { workload: /base\/loadgenerator/, message: /frontend-check/, end: 'Fails', why: 'its init container gives up after a while: the frontend is another file' },
  { workload: /flannel-io__flannel/, end: 'Ready', why: 'every node runs Linux' },
  { workload: /minikube\/test\/integration\/testdata\/kube-flannel/, end: 'Fails', why: 'its names are those of the flannel that the cluster has already' },

  { workload: /16-6-mysql-replicaset/, end: 'Stuck', why: 'a claim with a selector gets the default class, which does not provision for selectors' },
  { workload: /stateful-set-shared-pv/, end: 'Stuck', why: 'its claim selects by a label that its volume does not have, and the default class does not provision for selectors' },
  { workload: /storageos-pvcpod/, message: /attach or mount/, end: 'Stuck', why: 'the volume is of a kind that 1.36 has no plugin for' },
  { workload: /model-serving-tensorflow/, end: 'Stuck', why: 'the claim gets the default class, the volume that it names has none: VolumeMismatch' },
  { workload: /simple-stateful-set/, message: /PersistentVolumeClaims/, end: 'Stuck', why: 'the claim names a StorageClass that nobody makes' },

  // ── fails by design ──
  { workload: /http-liveness|broken-liveness-pod/, end: 'Fails', why: 'the probe is made to fail' },
  { workload: /readiness_probe_fail|broken-readiness-pod/, end: 'Stuck', why: 'the probe is made to fail' },
  { workload: /crashloop_backoff/, message: /"wge": executable file not found/, end: 'Fails', why: 'a misspelt command, on purpose' },
  { workload: /job-backoff-limit-per-index/, end: 'Fails', why: 'some indexes are made to fail' },
  { workload: /job-success-policy/, end: 'Fails', why: 'the other indexes fail as fast as the one of the policy succeeds: with the default backoffLimit of 6 the Job fails first' },
  { workload: /crashpod\/broken/, end: 'Fails', why: 'made to fail' },
  { workload: /job_failure|activeDeadlineSeconds|job-oneshot-failure1/, end: 'Fails', why: 'made to fail' },
  { workload: /job_run_forever/, end: 'Fails', why: 'the script ends with a fi too many: a syntax error' },

  // ── runs although it looks as if it failed ──
  { workload: /two-files-counter-pod-streaming-sidecar/, end: 'Ready', why: 'three loops that go on' },
  { workload: /cpu-request-limit|cpu_throttling/, end: 'Ready', why: 'a limit of CPU slows down and kills nobody' },
  { workload: /share-process-namespace/, end: 'Ready', why: 'the shell has a terminal and waits' },
  { workload: /restarted-pod/, end: 'Complete', why: 'it fails once and succeeds when it is restarted' },
  { workload: /cockroachdb-statefulset/, end: 'Ready', why: 'the claim template takes the place of the volume of the same name' },
  { workload: /javaweb-tomcat-sidecar/, end: 'Ready', why: 'what copies is an init container; tomcat serves' },
  { workload: /two-container-pod/, end: 'Ready', why: 'one container ends, nginx goes on' },
  { workload: /node-affinity\.yaml|netcat-deployment-nomaster/, end: 'Ready', why: 'every worker meets the affinity' },
];
