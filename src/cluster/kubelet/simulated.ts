// What the kubelet tells about images whose behaviour is assumed: an event for the reader, and for the program that stands in
// the ports and the end that the Pod expects of the container. Upstream has nothing of the kind.

import type { Container, Pod } from '../api/generated/types.ts';
import { BEHAVIOR, EXPECTATIONS } from '../runtime/container-hints.ts';
import type { Events } from './events.ts';
import { portOf } from './probe-run.ts';

/** Annotation of an image (ImageSpec.annotations) whose behaviour is assumed; its value says what is assumed. */
const ASSUMED = 'sim.k8s/assumed';

export type ImageAnnotations = Readonly<Record<string, string>> | undefined;

/** Adds to a container's annotations what the image, or the Pod's author, asks for. */
export function addExpectations(annotations: Record<string, string>, pod: Pod, container: Container, image: ImageAnnotations): void {
  const declared = pod.metadata?.annotations?.[`${BEHAVIOR}.${container.name}`];
  if (declared !== undefined) annotations[BEHAVIOR] = declared;
  if (image !== undefined || declared !== undefined) annotations[EXPECTATIONS] = JSON.stringify({ probed: probedPorts(container), ends: isToEnd(pod, container) });
}

/** Says once a start that the container's behaviour is assumed. */
export function tellAssumed(events: Events, pod: Pod, container: Container, image: ImageAnnotations): void {
  const text = image?.[ASSUMED];
  if (text === undefined || pod.metadata?.annotations?.[`${BEHAVIOR}.${container.name}`] !== undefined) return;
  events.container(pod, container, 'Normal', 'Simulated', `Behaviour assumed from defaults: ${text}`);
}

function probedPorts(container: Container): readonly number[] {
  const ports = new Set<number>();
  const { livenessProbe, readinessProbe, startupProbe, lifecycle } = container;
  for (const asked of [livenessProbe, readinessProbe, startupProbe, lifecycle?.postStart, lifecycle?.preStop]) {
    const http = asked?.httpGet ?? asked?.tcpSocket;
    const grpc = (asked as typeof livenessProbe)?.grpc;
    const port = http !== undefined && !http.host ? portOf(container, http.port) : (grpc?.port ?? 0);
    if (port > 0) ports.add(port);
  }
  return [...ports];
}

function isToEnd(pod: Pod, container: Container): boolean {
  const init = pod.spec?.initContainers?.find((c) => c.name === container.name);
  if (init !== undefined) return init.restartPolicy !== 'Always';
  return pod.metadata?.ownerReferences?.some((r) => r.kind === 'Job') ?? false;
}
