// The very first script of the page: the cluster boots while the browser still reads the rest.

import { startFirst } from './session/first-worker.ts';

startFirst();
void import('./main.tsx');
