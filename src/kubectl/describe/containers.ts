// Containers of Pods and of Pod templates: image, ports, state, resources, probes, mounts (kubectl/pkg/describe describeContainers).

import type { Container, ContainerPort, ContainerState, ContainerStatus, Probe, ResourceRequirements, SeccompProfile } from '../../cluster/api/generated/types.ts';
import { type FieldReader, environment, environmentFrom } from './environment.ts';
import { byText, listText, sortedKeys } from './metadata.ts';
import { dateText, type Writer } from './writer.ts';

/** Everything that describe shows of a container: also that of an ephemeral one. */
export type AnyContainer = Pick<
  Container,
  'name' | 'image' | 'ports' | 'securityContext' | 'command' | 'args' | 'resources' | 'livenessProbe' | 'readinessProbe' | 'startupProbe' | 'env' | 'envFrom' | 'volumeMounts' | 'volumeDevices'
>;

interface Live {
  readonly statuses?: readonly ContainerStatus[] | undefined;
  /** Reads the Pod's fields for the environment. */
  readonly field?: FieldReader;
  /** What stands before the heading; a template's is indented. */
  readonly space?: string;
}

export function containers(w: Writer, heading: string, list: readonly AnyContainer[], { statuses = [], field, space = '' }: Live = {}): void {
  w.write(0, `${space}${heading}:${list.length === 0 ? ' <none>' : ''}\n`);
  for (const container of list) {
    const status = statuses.findLast((s) => s.name === container.name);
    basics(w, container, status, space);
    words(w, 'Command', container.command);
    words(w, 'Args', container.args);
    if (status) stateOf(w, status);
    resources(w, 2, container.resources);
    probes(w, container);
    if (container.envFrom?.length) environmentFrom(w, container.envFrom);
    environment(w, container, field);
    mounts(w, container);
  }
}

function basics(w: Writer, container: AnyContainer, status: ContainerStatus | undefined, space: string): void {
  w.write(1, `${space === '' ? '' : ' '}${container.name}:\n`);
  if (status) w.write(2, `Container ID:\t${status.containerID ?? ''}\n`);
  w.write(2, `Image:\t${container.image ?? ''}\n`);
  if (status) w.write(2, `Image ID:\t${status.imageID}\n`);
  ports(w, 'Port', container.ports, (port) => port.containerPort);
  ports(w, 'Host Port', container.ports, (port) => port.hostPort ?? 0);
  seccomp(w, 2, 3, container.securityContext?.seccompProfile);
}

/** `Port:` for none or one, `Ports:` for several. */
function ports(w: Writer, title: string, list: readonly ContainerPort[] | undefined, number: (port: ContainerPort) => number): void {
  const text = (list ?? []).map((port) => `${number(port)}/${port.protocol ?? ''}${port.name ? ` (${port.name})` : ''}`).join(', ');
  w.write(2, `${title}${text.includes(',') ? 's' : ''}:\t${text || '<none>'}\n`);
}

export function seccomp(w: Writer, level: number, inner: number, profile: SeccompProfile | undefined): void {
  if (!profile) return;
  w.write(level, `SeccompProfile:\t${profile.type}\n`);
  if (profile.type === 'Localhost') w.write(inner, `LocalhostProfile:\t${profile.localhostProfile ?? ''}\n`);
}

function words(w: Writer, title: string, list: readonly string[] | undefined): void {
  if (!list?.length) return;
  w.write(2, `${title}:\n`);
  for (const word of list) for (const line of word.split('\n')) w.write(3, `${line}\n`);
}

function stateOf(w: Writer, status: ContainerStatus): void {
  state(w, 'State', status.state);
  if (status.lastState?.terminated) state(w, 'Last State', status.lastState);
  w.write(2, `Ready:\t${status.ready ? 'True' : 'False'}\n`);
  w.write(2, `Restart Count:\t${status.restartCount}\n`);
}

function state(w: Writer, title: string, { running, waiting, terminated }: ContainerState = {}): void {
  if (running) {
    w.write(2, `${title}:\tRunning\n`);
    w.write(3, `Started:\t${dateText(running.startedAt)}\n`);
  } else if (waiting || !terminated) {
    w.write(2, `${title}:\tWaiting\n`);
    if (waiting?.reason) w.write(3, `Reason:\t${waiting.reason}\n`);
  } else {
    w.write(2, `${title}:\tTerminated\n`);
    if (terminated.reason) w.write(3, `Reason:\t${terminated.reason}\n`);
    if (terminated.message) w.write(3, `Message:\t${terminated.message}\n`);
    w.write(3, `Exit Code:\t${terminated.exitCode}\n`);
    if ((terminated.signal ?? 0) > 0) w.write(3, `Signal:\t${terminated.signal}\n`);
    w.write(3, `Started:\t${dateText(terminated.startedAt)}\n`);
    w.write(3, `Finished:\t${dateText(terminated.finishedAt)}\n`);
  }
}

export function resources(w: Writer, level: number, given: ResourceRequirements | undefined): void {
  for (const part of ['limits', 'requests'] as const) {
    const list = given?.[part];
    const names = sortedKeys(list);
    if (names.length > 0) w.write(level, `${part === 'limits' ? 'Limits' : 'Requests'}:\n`);
    for (const name of names) w.write(level + 1, `${name}:\t${list?.[name]}\n`);
  }
}

function probes(w: Writer, { livenessProbe, readinessProbe, startupProbe }: AnyContainer): void {
  if (livenessProbe) w.write(2, `Liveness:\t${probeText(livenessProbe)}\n`);
  if (readinessProbe) w.write(2, `Readiness:\t${probeText(readinessProbe)}\n`);
  if (startupProbe) w.write(2, `Startup:\t${probeText(startupProbe)}\n`);
}

export function probeText(probe: Probe): string {
  const { initialDelaySeconds = 0, timeoutSeconds = 0, periodSeconds = 0, successThreshold = 0, failureThreshold = 0 } = probe;
  const how = `delay=${initialDelaySeconds}s timeout=${timeoutSeconds}s period=${periodSeconds}s #success=${successThreshold} #failure=${failureThreshold}`;
  const { exec, httpGet, tcpSocket, grpc } = probe;
  if (exec) return `exec ${listText(exec.command)} ${how}`;
  if (httpGet) return `http-get ${urlText((httpGet.scheme ?? '').toLowerCase(), hostPort(httpGet.host ?? '', String(httpGet.port)), httpGet.path ?? '')} ${how}`;
  if (tcpSocket) return `tcp-socket ${tcpSocket.host ?? ''}:${tcpSocket.port} ${how}`;
  if (grpc) return `grpc <pod>:${grpc.port} ${grpc.service ?? ''} ${how}`;
  return `unknown ${how}`;
}

/** net.JoinHostPort. */
export const hostPort = (host: string, port: string | number): string => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`);

/** net/url's String: the path is escaped, and begins with a slash when there is a host. */
function urlText(scheme: string, host: string, path: string): string {
  const escapedPath = encodeURI(path).replace(/[!'()*?#]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  return `${scheme === '' ? '' : `${scheme}:`}//${host}${path !== '' && !path.startsWith('/') ? '/' : ''}${escapedPath}`;
}

function mounts(w: Writer, { volumeMounts = [], volumeDevices = [] }: AnyContainer): void {
  const none = volumeMounts.length === 0 ? '\t<none>' : '';
  w.write(2, `Mounts:${none}\n`);
  for (const mount of [...volumeMounts].sort((a, b) => byText(a.mountPath, b.mountPath))) {
    w.write(3, `${mount.mountPath} from ${mount.name} (${mount.readOnly ? 'ro' : 'rw'}${mount.subPath ? `,path=${JSON.stringify(mount.subPath)}` : ''})\n`);
  }
  if (volumeDevices.length === 0) return;
  w.write(2, `Devices:${none}\n`);
  for (const device of [...volumeDevices].sort((a, b) => byText(a.devicePath, b.devicePath))) w.write(3, `${device.devicePath} from ${device.name}\n`);
}
