// The loopback plug-in: brings lo up in the namespace.

import { setUp } from '../../network/device.ts';
import type { CniPlugin } from './plugin.ts';

export const loopback: CniPlugin = {
  add({ machine, netns }, _conf, previous) {
    const lo = netns.interfaces.get('lo');
    if (lo) setUp(lo, true, `${machine.place}/cni/loopback`);
    return previous;
  },
  del() {
    // lo goes with its namespace.
  },
};
