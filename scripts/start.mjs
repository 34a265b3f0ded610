// npm start: installs what is missing, builds what is out of date, serves the page and prints its address.

import { install, ROOT } from './install.mjs';

install();
const { build, preview } = await import('vite');
const port = Number(process.env.PORT ?? 4173);
if (!process.argv.includes('--no-build')) await build({ root: ROOT, logLevel: 'warn' });
const server = await preview({ root: ROOT, logLevel: 'warn', preview: { host: '127.0.0.1', port, strictPort: Boolean(process.env.PORT) } });
console.log(`Orrery is ready: ${server.resolvedUrls?.local[0] ?? `http://127.0.0.1:${port}/`}`);
