// Pods and the templates that they are made from (kubectl/pkg/describe describePod, DescribePodTemplate).

import type { Pod, PodCondition, PodSchedulingGroup, PodTemplateSpec, Toleration, TopologySpreadConstraint } from '../../cluster/api/generated/types.ts';
import { qosClass } from '../../cluster/api/qos.ts';
import { labelSelectorText } from '../../cluster/api/table/format.ts';
import type { Op } from '../../cluster/sim/simulation.ts';
import { containers, resources, seccomp } from './containers.ts';
import { fieldReader } from './environment.ts';
import { annotations, byText, controlledBy, head, labels, labelsAndAnnotations, multiline } from './metadata.ts';
import type { Page } from './page.ts';
import { volumes } from './volumes.ts';
import { dateText, type Writer } from './writer.ts';

const MIRROR = 'kubernetes.io/config.mirror';

export function* describePod(page: Page, pod: Pod): Op<void> {
  const { metadata, spec, status } = pod;
  head(page, metadata);
  place(page, pod);
  labelsAndAnnotations(page, metadata);
  phase(page, pod);
  seccomp(page, 0, 0, spec.securityContext?.seccompProfile);
  page.write(0, `IP:\t${status.podIP ?? ''}\n`);
  if (!status.podIPs?.length) page.write(0, 'IPs:\t<none>\n');
  else {
    page.write(0, 'IPs:\n');
    for (const { ip } of status.podIPs) page.write(1, `IP:\t${ip}\n`);
  }
  controlledBy(page, metadata);
  if (status.nominatedNodeName) page.write(0, `NominatedNodeName:\t${status.nominatedNodeName}\n`);
  if (spec.resources) {
    page.write(0, 'Resources:\n');
    resources(page, 1, spec.resources);
  }
  const field = fieldReader(pod);
  if (spec.initContainers?.length) containers(page, 'Init Containers', spec.initContainers, { statuses: status.initContainerStatuses, field });
  containers(page, 'Containers', spec.containers, { statuses: status.containerStatuses, field });
  if (spec.ephemeralContainers?.length) containers(page, 'Ephemeral Containers', spec.ephemeralContainers, { statuses: status.ephemeralContainerStatuses, field });
  conditions(page, pod);
  volumes(page, spec.volumes);
  page.write(0, `QoS Class:\t${status.qosClass || qosClass(spec)}\n`);
  labels(page, 'Node-Selectors', spec.nodeSelector);
  tolerations(page, 'Tolerations', spec.tolerations);
  spreadConstraints(page, spec.topologySpreadConstraints, '');
  schedulingGroup(page, spec.schedulingGroup, '');
  const mirrored = metadata.annotations?.[MIRROR];
  yield* page.events(pod, { kind: '', ...(mirrored === undefined ? {} : { uid: mirrored }) });
}

function place(w: Writer, { spec, status }: Pod): void {
  if (spec.priority !== undefined) w.write(0, `Priority:\t${spec.priority}\n`);
  if (spec.priorityClassName) w.write(0, `Priority Class Name:\t${spec.priorityClassName}\n`);
  if (spec.runtimeClassName) w.write(0, `Runtime Class Name:\t${spec.runtimeClassName}\n`);
  if (spec.serviceAccountName) w.write(0, `Service Account:\t${spec.serviceAccountName}\n`);
  w.write(0, spec.nodeName ? `Node:\t${spec.nodeName}/${status.hostIP ?? ''}\n` : 'Node:\t<none>\n');
  if (status.startTime) w.write(0, `Start Time:\t${dateText(status.startTime)}\n`);
}

function phase(w: Writer, { metadata, status }: Pod): void {
  const { deletionTimestamp, deletionGracePeriodSeconds } = metadata;
  if (deletionTimestamp && status.phase !== 'Failed' && status.phase !== 'Succeeded') {
    w.write(0, `Status:\tTerminating (lasts ${w.age(deletionTimestamp)})\n`);
    w.write(0, `Termination Grace Period:\t${deletionGracePeriodSeconds ?? 0}s\n`);
  } else w.write(0, `Status:\t${status.phase ?? ''}\n`);
  if (status.reason) w.write(0, `Reason:\t${status.reason}\n`);
  if (status.message) w.write(0, `Message:\t${status.message}\n`);
}

function conditions(w: Writer, { spec, status }: Pod): void {
  const list: readonly PodCondition[] = status.conditions ?? [];
  if (spec.readinessGates?.length) {
    w.write(0, 'Readiness Gates:\n  Type\tStatus\n');
    for (const { conditionType } of spec.readinessGates) w.write(1, `${conditionType} \t${list.find((c) => c.type === conditionType)?.status ?? '<none>'} \n`);
  }
  if (list.length === 0) return;
  w.write(0, 'Conditions:\n  Type\tStatus\n');
  for (const c of list) w.write(1, `${c.type} \t${c.status} \n`);
}

function tolerationText({ key = '', value = '', effect = '', operator, tolerationSeconds }: Toleration): string {
  const what = `${key}${value === '' ? '' : `=${value}`}${effect === '' ? '' : `:${effect}`}`;
  const exists = operator === 'Exists' && value === '' ? `${what === '' ? '' : ' '}op=Exists` : '';
  return `${what}${exists}${tolerationSeconds === undefined ? '' : ` for ${tolerationSeconds}s`}`;
}

const tolerations = (w: Writer, title: string, list: readonly Toleration[] | undefined): void =>
  multiline(w, title, [...(list ?? [])].sort((a, b) => byText(a.key ?? '', b.key ?? '')).map(tolerationText));

function spreadConstraints(w: Writer, list: readonly TopologySpreadConstraint[] | undefined, space: string): void {
  if (!list?.length) return;
  w.write(0, `${space}Topology Spread Constraints:\t`);
  for (const [i, c] of [...list].sort((a, b) => byText(a.topologyKey, b.topologyKey)).entries()) {
    if (i > 0) w.write(0, `${space}\t`);
    const selector = c.labelSelector ? ` for selector ${labelSelectorText(c.labelSelector)}` : '';
    w.write(0, `${c.topologyKey}:${c.whenUnsatisfiable} when max skew ${c.maxSkew} is exceeded${selector}\n`);
  }
}

function schedulingGroup(w: Writer, group: PodSchedulingGroup | undefined, space: string): void {
  if (!group) return;
  w.write(0, `${space}SchedulingGroup:\n`);
  w.write(1, `PodGroupName:\t${group.podGroupName ?? ''}\n`);
}

export function podTemplate(w: Writer, template: PodTemplateSpec | undefined): void {
  w.write(0, 'Pod Template:\n');
  if (!template) return w.write(1, '<unset>');
  const { metadata, spec } = template as { metadata?: PodTemplateSpec['metadata']; spec: PodTemplateSpec['spec'] };
  labels(w, '  Labels', metadata?.labels);
  if (Object.keys(metadata?.annotations ?? {}).length > 0) annotations(w, '  Annotations', metadata?.annotations);
  if (spec.serviceAccountName) w.write(1, `Service Account:\t${spec.serviceAccountName}\n`);
  if (spec.initContainers?.length) containers(w, 'Init Containers', spec.initContainers, { space: '  ' });
  containers(w, 'Containers', spec.containers, { space: '  ' });
  volumes(w, spec.volumes, '  ');
  spreadConstraints(w, spec.topologySpreadConstraints, '  ');
  if (spec.priorityClassName) w.write(1, `Priority Class Name:\t${spec.priorityClassName}\n`);
  labels(w, '  Node-Selectors', spec.nodeSelector);
  tolerations(w, '  Tolerations', spec.tolerations);
  schedulingGroup(w, spec.schedulingGroup, '  ');
}
