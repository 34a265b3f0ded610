// The body of a create or an update as a value: JSON as the client's connection has read it, or YAML text
// (apiserver/pkg/endpoints/handlers/negotiation, NegotiateInputSerializer).

import { jsonError } from '../../api/json-error.ts';
import type { ResourceKind } from '../../api/kinds.ts';
import { badRequest, unsupportedMediaType } from '../../api/status.ts';
import { parseYaml } from '../../api/yaml.ts';
import type { Exchange } from '../server.ts';

const JSON_TYPE = 'application/json';
const ACCEPTED = [JSON_TYPE, 'application/yaml', 'application/vnd.kubernetes.protobuf'];

/** The media type of the body without its parameters; a body without one is JSON. */
export function mediaType(x: Exchange): string {
  const type = x.http.headers['content-type'];
  if (type === undefined || type === '' || type === JSON_TYPE) return JSON_TYPE;
  const semicolon = type.indexOf(';');
  return (semicolon < 0 ? type : type.slice(0, semicolon)).trim().toLowerCase();
}

/** @throws ApiError 400, 415 */
export function bodyOf(x: Exchange, kind: ResourceKind): unknown {
  const type = mediaType(x);
  if (!ACCEPTED.includes(type)) {
    throw unsupportedMediaType(`the body of the request was in an unknown format - accepted media types include: ${ACCEPTED.join(', ')}`);
  }
  const { body } = x.http;
  if (typeof body !== 'string' || body === '') return body;
  try {
    return type === JSON_TYPE ? JSON.parse(body) : parseYaml(body);
  } catch (error) {
    const why = type === JSON_TYPE ? `json parse error: ${jsonError(body)}` : `yaml parse error: ${error instanceof Error ? error.message : String(error)}`;
    throw badRequest(`the object provided is unrecognized (must be of type ${kind.kind}): couldn't get version/kind; ${why}`);
  }
}
