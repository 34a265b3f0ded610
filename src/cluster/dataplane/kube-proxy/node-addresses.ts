// Which of a node's addresses take node ports (proxyutil.NodePortAddresses): those in the given ranges, or the primary one.

import { contains, parseCidr, parseIp } from '../../network/ip.ts';
import type { Netns } from '../../network/netns.ts';

export function nodeAddresses(netns: Netns, wanted: readonly string[], nodeIP: string): readonly string[] {
  const found: string[] = [];
  for (const want of wanted) {
    if (want === 'primary') {
      if (nodeIP !== '') found.push(nodeIP);
      continue;
    }
    if (want.includes(':')) continue;
    const range = parseCidr(want);
    for (const address of netns.localAddresses().keys()) if (contains(range, parseIp(address)) && !found.includes(address)) found.push(address);
  }
  return found.sort();
}
