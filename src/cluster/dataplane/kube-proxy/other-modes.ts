// The modes of kube-proxy that a new cluster does not start with.

import { IpvsMode } from './ipvs-mode.ts';
import type { MakeMode } from './mode.ts';
import { NftablesMode } from './nftables-mode.ts';

export const otherModes: Readonly<Record<'ipvs' | 'nftables', MakeMode>> = {
  ipvs: (options) => new IpvsMode(options),
  nftables: (options) => new NftablesMode(options),
};
