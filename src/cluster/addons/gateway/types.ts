// The Gateway API's objects (gateway.networking.k8s.io/v1, standard channel), as far as the controller reads and writes them.

import type { ApiObject } from '../../api/meta.ts';
import type { LabelSelector } from '../../api/generated/types.ts';
import { customKind } from '../custom-resource.ts';

export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration?: number;
  readonly lastTransitionTime?: string;
}

export interface GatewayClass extends ApiObject {
  readonly spec: { readonly controllerName: string; readonly description?: string };
  readonly status?: { readonly conditions?: readonly Condition[] };
}

export interface Reference {
  readonly group?: string;
  readonly kind?: string;
  readonly name: string;
  readonly namespace?: string;
}

export interface Listener {
  readonly name: string;
  readonly hostname?: string;
  readonly port: number;
  readonly protocol: string;
  readonly tls?: { readonly mode?: string; readonly certificateRefs?: readonly Reference[] };
  readonly allowedRoutes?: { readonly namespaces?: { readonly from?: 'All' | 'Selector' | 'Same'; readonly selector?: LabelSelector }; readonly kinds?: readonly { readonly group?: string; readonly kind: string }[] };
}

export interface Gateway extends ApiObject {
  readonly spec: { readonly gatewayClassName: string; readonly listeners: readonly Listener[]; readonly addresses?: readonly { readonly type?: string; readonly value?: string }[] };
  readonly status?: { readonly conditions?: readonly Condition[]; readonly addresses?: readonly { readonly type?: string; readonly value: string }[]; readonly listeners?: readonly ListenerStatus[] };
}

export interface ListenerStatus {
  readonly name: string;
  readonly supportedKinds: readonly { readonly group: string; readonly kind: string }[];
  readonly attachedRoutes: number;
  readonly conditions: readonly Condition[];
}

export interface PathMatch {
  readonly type?: 'Exact' | 'PathPrefix' | 'RegularExpression';
  readonly value?: string;
}

export interface ValueMatch {
  readonly type?: 'Exact' | 'RegularExpression';
  readonly name: string;
  readonly value: string;
}

export interface RouteMatch {
  readonly path?: PathMatch;
  readonly headers?: readonly ValueMatch[];
  readonly queryParams?: readonly ValueMatch[];
  readonly method?: string;
}

export interface HeaderModifier {
  readonly set?: readonly { readonly name: string; readonly value: string }[];
  readonly add?: readonly { readonly name: string; readonly value: string }[];
  readonly remove?: readonly string[];
}

export interface PathModifier {
  readonly type: 'ReplaceFullPath' | 'ReplacePrefixMatch';
  readonly replaceFullPath?: string;
  readonly replacePrefixMatch?: string;
}

export interface Filter {
  readonly type: string;
  readonly requestHeaderModifier?: HeaderModifier;
  readonly responseHeaderModifier?: HeaderModifier;
  readonly requestRedirect?: { readonly scheme?: string; readonly hostname?: string; readonly path?: PathModifier; readonly port?: number; readonly statusCode?: number };
  readonly urlRewrite?: { readonly hostname?: string; readonly path?: PathModifier };
}

export interface BackendRef extends Reference {
  readonly port?: number;
  readonly weight?: number;
}

export interface RouteRule {
  readonly matches?: readonly RouteMatch[];
  readonly filters?: readonly Filter[];
  readonly backendRefs?: readonly BackendRef[];
}

export interface ParentRef extends Reference {
  readonly sectionName?: string;
  readonly port?: number;
}

export interface ParentStatus {
  readonly parentRef: ParentRef;
  readonly controllerName: string;
  readonly conditions: readonly Condition[];
}

export interface HTTPRoute extends ApiObject {
  readonly spec: { readonly parentRefs?: readonly ParentRef[]; readonly hostnames?: readonly string[]; readonly rules?: readonly RouteRule[] };
  readonly status?: { readonly parents?: readonly ParentStatus[] };
}

export interface ReferenceGrant extends ApiObject {
  readonly spec: { readonly from: readonly { readonly group: string; readonly kind: string; readonly namespace: string }[]; readonly to: readonly { readonly group: string; readonly kind: string; readonly name?: string }[] };
}

export const GROUP = 'gateway.networking.k8s.io';
export const GATEWAY_CLASSES = customKind(GROUP, 'v1', 'GatewayClass', 'gatewayclasses', false);
export const GATEWAYS = customKind(GROUP, 'v1', 'Gateway', 'gateways');
export const HTTP_ROUTES = customKind(GROUP, 'v1', 'HTTPRoute', 'httproutes');
export const REFERENCE_GRANTS = customKind(GROUP, 'v1beta1', 'ReferenceGrant', 'referencegrants');
export const CONTROLLER_NAME = 'gateway.nginx.org/nginx-gateway-controller';
