// What a request wants to do, as the authorizers are asked.

import type { Attributes } from '../authorization/attributes.ts';
import type { RequestContext } from '../request.ts';

export function attributesOf(context: RequestContext): Attributes {
  const { info } = context;
  return {
    user: context.user,
    verb: info.verb,
    isResource: info.isResource,
    group: info.group,
    resource: info.resource,
    // What follows in the path of a proxy is the target's affair.
    subresource: info.subresource.startsWith('proxy/') ? 'proxy' : info.subresource,
    namespace: info.namespace,
    name: info.name,
    path: info.path,
    fieldSelector: context.query['fieldSelector'],
  };
}
