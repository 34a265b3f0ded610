// npm run cluster: a headless cluster that a real kubectl can talk to; see src/bridge/cluster-command.ts for its options.

import { register } from 'tsx/esm/api';
import { install } from './install.mjs';

if (!process.argv.includes('--no-install')) install();
register();
const { clusterCommand } = await import('../src/bridge/cluster-command.ts');
const code = await clusterCommand(process.argv.slice(2).filter((arg) => arg !== '--no-install'));
if (code !== undefined) process.exit(code);
