// DynamicResources, as far as a cluster without resource claims meets it: its share of a failed attempt's message.

import { type Plugin, unschedulable } from '../framework/types.ts';

const NO_CLAIMS = unschedulable('no new claims to deallocate');

export const dynamicResources: Plugin = {
  name: 'DynamicResources',
  postFilter: () => ({ status: NO_CLAIMS }),
};
