import { expect, it } from 'vitest';
import { type BirdConfiguration, configurationFiles, readConfiguration } from './configuration.ts';

it('BIRD reads what confd writes', () => {
  const configuration: BirdConfiguration = {
    routerId: '192.168.66.21',
    as: 64_512,
    peers: [
      { name: 'Mesh_192_168_66_10', address: '192.168.66.10', as: 64_512, passive: false },
      { name: 'Global_192_168_66_1', address: '192.168.66.1', as: 65_001, passive: false },
      { name: 'Mesh_192_168_66_22', address: '192.168.66.22', as: 64_512, passive: true },
    ],
    blocks: ['10.244.1.64/26', '10.244.7.0/26'],
    pools: ['10.244.0.0/16', '10.245.0.0/16'],
    notProgrammed: ['10.245.0.0/16'],
  };
  const files = configurationFiles(configuration);
  expect(readConfiguration((path) => files.get(path))).toEqual(configuration);
  expect(readConfiguration(() => undefined)).toBeUndefined();
});
