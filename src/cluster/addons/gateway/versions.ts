// Which versions of the Gateway API and of its implementation are modelled.

export const GATEWAY_API_VERSION = 'v1.5.1';
export const NGF_VERSION = '2.6.7';
export const NGF_IMAGE = `ghcr.io/nginx/nginx-gateway-fabric:${NGF_VERSION}`;
export const NGF_NGINX_IMAGE = `ghcr.io/nginx/nginx-gateway-fabric/nginx:${NGF_VERSION}`;
