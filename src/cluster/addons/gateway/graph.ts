// From the Gateway API's objects to what each Gateway shall do, with the conditions that say so (nginx-gateway-fabric,
// internal/controller/state/graph): listeners, routes that attach to them, references that resolve.

import type { LabelSelector, Service } from '../../api/generated/types.ts';
import { matchLabels, selectorOf } from '../../api/selector.ts';
import { meeting } from './match-order.ts';
import { type BackendRef, type Condition, type Gateway, GROUP, type HTTPRoute, type Listener, type ParentRef, type Reference, type ReferenceGrant } from './types.ts';

export interface World {
  readonly gateways: readonly Gateway[];
  /** The oldest first. */
  readonly routes: readonly HTTPRoute[];
  readonly grants: readonly ReferenceGrant[];
  readonly className: string;
  service(namespace: string, name: string): Service | undefined;
  endpoints(service: Service, port: NonNullable<Service['spec']['ports']>[number]): readonly { readonly address: string; readonly port: string }[];
  /** Certificate and key in one text; undefined when there is no such Secret, null when it holds none. */
  certificate(namespace: string, name: string): string | null | undefined;
  labelsOf(namespace: string): Readonly<Record<string, string>>;
}

/** Where a rule sends its requests; without a service something about the reference is wrong. */
export interface Backend {
  readonly name: string;
  readonly weight: number;
  readonly endpoints: readonly { readonly address: string; readonly port: string }[] | null;
}

export interface Attachment {
  readonly route: HTTPRoute;
  readonly hostnames: readonly string[];
  /** By rule. */
  readonly backends: readonly (readonly Backend[])[];
}

export interface ListenerState {
  readonly listener: Listener;
  readonly valid: boolean;
  readonly conditions: readonly Condition[];
  readonly routes: Attachment[];
  readonly certificate: { readonly id: string; readonly pem: string } | null;
}

export interface GatewayState {
  readonly gateway: Gateway;
  readonly listeners: readonly ListenerState[];
  readonly conditions: readonly Condition[];
}

export interface RouteState {
  readonly route: HTTPRoute;
  readonly parents: readonly { readonly parentRef: ParentRef; readonly conditions: readonly Condition[] }[];
}

export interface Graph {
  readonly gateways: readonly GatewayState[];
  readonly routes: readonly RouteState[];
}

const yes = (type: string, reason: string, message: string): Condition => ({ type, status: 'True', reason, message });
const no = (type: string, reason: string, message: string): Condition => ({ type, status: 'False', reason, message });

export function graphOf(world: World): Graph {
  const gateways = world.gateways.filter((g) => g.spec.gatewayClassName === world.className).map((gateway) => gatewayState(world, gateway));
  const routes = world.routes.flatMap((route) => {
    const parents = (route.spec.parentRefs ?? []).flatMap((ref) => {
      const state = gateways.find(({ gateway: { metadata } }) => (ref.kind ?? 'Gateway') === 'Gateway' && metadata.name === ref.name && metadata.namespace === (ref.namespace ?? route.metadata.namespace));
      return state ? [{ parentRef: ref, conditions: attach(world, route, ref, state) }] : [];
    });
    return parents.length > 0 ? [{ route, parents }] : [];
  });
  return { gateways, routes };
}

function gatewayState(world: World, gateway: Gateway): GatewayState {
  const listeners = gateway.spec.listeners.map((listener, index) => listenerState(world, gateway, listener, index));
  const valid = listeners.filter((l) => l.valid).length;
  const message = 'The Gateway has no valid listeners';
  const conditions =
    valid === 0
      ? [no('Accepted', 'ListenersNotValid', message), no('Programmed', 'Invalid', message)]
      : [valid < listeners.length ? yes('Accepted', 'ListenersNotValid', 'The Gateway has at least one valid listener') : yes('Accepted', 'Accepted', 'The Gateway is accepted'), yes('Programmed', 'Programmed', 'The Gateway is programmed')];
  return { gateway, listeners, conditions };
}

function listenerState(world: World, gateway: Gateway, listener: Listener, index: number): ListenerState {
  const path = `spec.listeners[${index}]`;
  const bad = (conditions: readonly Condition[], message: string, reason = 'Invalid'): ListenerState => ({
    listener, valid: false, certificate: null, routes: [], conditions: [...conditions, no('Programmed', reason, message)],
  });
  if (listener.protocol !== 'HTTP' && listener.protocol !== 'HTTPS') {
    const message = `${path}.protocol: Unsupported value: "${listener.protocol}": supported values: "HTTP", "HTTPS"`;
    return bad([no('Accepted', 'UnsupportedProtocol', message)], message);
  }
  const twin = gateway.spec.listeners.find((l) => l !== listener && l.port === listener.port && (l.protocol !== listener.protocol || (l.hostname ?? '') === (listener.hostname ?? '')));
  if (twin) {
    const protocol = twin.protocol !== listener.protocol;
    const message = protocol
      ? `Multiple listeners for the same port ${listener.port} specify incompatible protocols; ensure only one protocol per port`
      : `HTTPS listeners for the same port ${listener.port} specify overlapping hostnames; ensure no overlapping hostnames for HTTPS listeners for the same port`;
    const reason = protocol ? 'ProtocolConflict' : 'HostnameConflict';
    return bad([no('Accepted', reason, message), { ...yes('Conflicted', reason, message) }], message, reason);
  }
  let certificate: ListenerState['certificate'] = null;
  if (listener.protocol === 'HTTPS') {
    const found = certificateOf(world, gateway, listener, path);
    if ('problem' in found) return bad([no('Accepted', found.reason, found.problem), no('ResolvedRefs', found.reason, found.problem)], found.problem);
    certificate = found;
  }
  return {
    listener,
    valid: true,
    certificate,
    routes: [],
    conditions: [
      yes('Accepted', 'Accepted', 'The Listener is accepted'),
      yes('Programmed', 'Programmed', 'The Listener is programmed'),
      yes('ResolvedRefs', 'ResolvedRefs', 'All references are resolved'),
      no('Conflicted', 'NoConflicts', 'No conflicts'),
    ],
  };
}

function certificateOf(world: World, gateway: Gateway, { tls }: Listener, path: string): { readonly id: string; readonly pem: string } | { readonly problem: string; readonly reason: string } {
  const [ref] = tls?.certificateRefs ?? [];
  if (!ref) return { reason: 'InvalidCertificateRef', problem: `${path}.tls.certificateRefs: Required value: certificateRefs must be defined for TLS mode terminate` };
  const own = gateway.metadata.namespace ?? '';
  const namespace = ref.namespace ?? own;
  const field = `tls.certificateRefs[0]`;
  if (namespace !== own && !granted(world, { group: GROUP, kind: 'Gateway', namespace: own }, { group: '', kind: 'Secret', name: ref.name, namespace })) {
    return { reason: 'RefNotPermitted', problem: `Certificate ref to secret ${namespace}/${ref.name} not permitted by any ReferenceGrant` };
  }
  const pem = world.certificate(namespace, ref.name);
  if (pem === undefined) return { reason: 'InvalidCertificateRef', problem: `${field}: Invalid value: "${namespace}/${ref.name}": Secret does not exist` };
  if (pem === null) return { reason: 'InvalidCertificateRef', problem: `${field}: Invalid value: "${namespace}/${ref.name}": TLS secret is invalid: tls: failed to find any PEM data in certificate input` };
  return { id: `ssl_keypair_${namespace}_${ref.name}`, pem };
}

/** Whether a ReferenceGrant in the target's namespace lets the reference through. */
function granted(world: World, from: { readonly group: string; readonly kind: string; readonly namespace: string }, to: Required<Reference>): boolean {
  return world.grants.some(
    ({ metadata, spec }) =>
      metadata.namespace === to.namespace &&
      spec.from.some((f) => f.group === from.group && f.kind === from.kind && f.namespace === from.namespace) &&
      spec.to.some((t) => t.group === to.group && t.kind === to.kind && (t.name === undefined || t.name === '' || t.name === to.name)),
  );
}

/** Attaches a route to the listeners that a parentRef means, and says what came of it. */
function attach(world: World, route: HTTPRoute, ref: ParentRef, state: GatewayState): readonly Condition[] {
  const resolved = backendsOf(world, route);
  const refs = resolved.problem ?? yes('ResolvedRefs', 'ResolvedRefs', 'All references are resolved');
  const named = state.listeners.filter(({ listener }) => (ref.sectionName === undefined || listener.name === ref.sectionName) && (ref.port === undefined || listener.port === ref.port));
  if (named.length === 0) return [no('Accepted', 'NoMatchingParent', 'The Listener is not found for this parent ref'), refs];
  const usable = named.filter((l) => l.valid);
  if (usable.length === 0) return [no('Accepted', 'InvalidListener', 'The Listener is invalid for this parent ref'), refs];
  const allowed = usable.filter(({ listener }) => admits(world, state.gateway, listener, route));
  if (allowed.length === 0) return [no('Accepted', 'NotAllowedByListeners', 'The Route is not allowed by any listener'), refs];
  let attached = false;
  for (const listener of allowed) {
    const given = route.spec.hostnames ?? [];
    const hostnames = (given.length === 0 ? [''] : given).flatMap((h) => meeting(listener.listener.hostname ?? '', h) ?? []);
    if (hostnames.length === 0) continue;
    attached = true;
    if (!listener.routes.some((r) => r.route === route)) listener.routes.push({ route, hostnames, backends: resolved.backends });
  }
  if (!attached) return [no('Accepted', 'NoMatchingListenerHostname', 'The Listener hostname does not match the Route hostnames'), refs];
  return [yes('Accepted', 'Accepted', 'The Route is accepted'), refs];
}

function admits(world: World, gateway: Gateway, { allowedRoutes }: Listener, route: HTTPRoute): boolean {
  const kinds = allowedRoutes?.kinds ?? [];
  if (kinds.length > 0 && !kinds.some((k) => k.kind === 'HTTPRoute')) return false;
  const { from = 'Same', selector } = allowedRoutes?.namespaces ?? {};
  const namespace = route.metadata.namespace ?? '';
  if (from === 'All') return true;
  if (from === 'Same') return namespace === gateway.metadata.namespace;
  return matchLabels(selectorOf(selector as LabelSelector | undefined), world.labelsOf(namespace));
}

function backendsOf(world: World, route: HTTPRoute): { readonly backends: readonly (readonly Backend[])[]; readonly problem: Condition | undefined } {
  let problem: Condition | undefined;
  const backends = (route.spec.rules ?? []).map((rule, r) =>
    (rule.backendRefs ?? []).map((ref, b): Backend => {
      const weight = ref.weight ?? 1;
      const result = backendOf(world, route, ref, `spec.rules[${r}].backendRefs[${b}]`);
      if (!('problem' in result)) return { ...result, weight };
      problem ??= no('ResolvedRefs', result.reason, result.problem);
      return { name: 'invalid-backend-ref', weight, endpoints: null };
    }),
  );
  return { backends, problem };
}

function backendOf(world: World, route: HTTPRoute, ref: BackendRef, path: string): Omit<Backend, 'weight'> | { readonly problem: string; readonly reason: string } {
  if ((ref.kind ?? 'Service') !== 'Service' || (ref.group ?? '') !== '') return { reason: 'InvalidKind', problem: `${path}.kind: Unsupported value: "${ref.kind ?? ''}": supported values: "Service"` };
  const own = route.metadata.namespace ?? '';
  const namespace = ref.namespace ?? own;
  if (namespace !== own && !granted(world, { group: GROUP, kind: 'HTTPRoute', namespace: own }, { group: '', kind: 'Service', name: ref.name, namespace })) {
    return { reason: 'RefNotPermitted', problem: `${path}.namespace: Forbidden: Backend ref to Service ${namespace}/${ref.name} not permitted by any ReferenceGrant` };
  }
  const service = world.service(namespace, ref.name);
  if (!service) return { reason: 'BackendNotFound', problem: `${path}.name: Not found: "${ref.name}"` };
  const port = service.spec.ports?.find((p) => p.port === ref.port);
  if (!port) return { reason: 'BackendNotFound', problem: `No matching port for Service ${ref.name} and port ${ref.port ?? 0}` };
  const external = service.spec.type === 'ExternalName' ? [{ address: service.spec.externalName ?? '', port: String(port.port) }] : null;
  return { name: `${namespace}_${ref.name}_${port.port}`, endpoints: external ?? world.endpoints(service, port) };
}

