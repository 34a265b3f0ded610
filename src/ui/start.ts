// The very first script of the page: the cluster boots while the browser still reads the rest.

import { loadCatalogue } from './i18n/catalogue.ts';
import { startFirst } from './session/first-worker.ts';
import { remembered } from './state/remembered.ts';

startFirst();
void import('./main.tsx');
// What fails here is asked for again, by whom it matters to.
loadCatalogue(remembered().language).catch(() => undefined);
