// The ranges that flannel gives nodes of a network, as flannel's own tests have them (pkg/subnet/config_test.go), and its refusals.

import { expect, test } from 'vitest';
import { formatIp } from '../../network/ip.ts';
import { rangesOf } from './etcd-manager.ts';
import { networkConfig } from './manager.ts';

const ranges = (config: object): string => {
  try {
    const { length, first, last } = rangesOf(networkConfig(config));
    return `${formatIp(first)} … ${formatIp(last)} /${length}`;
  } catch (error) {
    return (error as Error).message;
  }
};

test.each<[object, string]>([
  [{ network: '10.3.0.0/16' }, '10.3.1.0 … 10.3.255.0 /24'],
  [{ Network: '10.3.0.0/16', SubnetMin: '10.3.5.0', SubnetMax: '10.3.8.0', SubnetLen: 28 }, '10.3.5.0 … 10.3.8.0 /28'],
  [{ Network: '10.3.0.0/24' }, '10.3.0.64 … 10.3.0.192 /26'],
  [{ Network: '10.3.0.0/29' }, 'network is too small. Minimum useful network prefix is /28'],
  [{ Network: '10.3.0.0/16', SubnetLen: 17 }, 'network must be able to accommodate at least four subnets'],
  [{ Network: '10.3.0.0/16', SubnetLen: 31 }, 'SubnetLen must be less than /31'],
  [{ Network: '10.3.0.0/16', SubnetMin: '10.4.0.0' }, 'SubnetMin is not in the range of the Network'],
  [{ Network: '10.3.0.0/16', SubnetMax: '10.3.8.8' }, 'SubnetMax is not on a SubnetLen boundary: 10.3.8.8'],
  [{}, 'please define a correct Network parameter in the flannel config'],
])('%j', (config, expected) => expect(ranges(config)).toBe(expected));
