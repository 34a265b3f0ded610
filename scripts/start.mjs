// npm start: installs what is missing, builds what is out of date, serves the page and prints its address; beside it the Kubernetes API
// of the cluster in the open page, for a real kubectl (see src/bridge/page-server.ts).
//   PORT            port of the page (default 4173, or any free one)
//   API_PORT        port of the Kubernetes API (default 6443, or any free one)
//   --proxy         plain HTTP without a token, as kubectl proxy serves it
//   --kubeconfig F  where to write the kubeconfig
//   --no-build      serve what was built before

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { register } from 'tsx/esm/api';
import { install, ROOT } from './install.mjs';

install();
const { build, preview } = await import('vite');
const args = process.argv.slice(2);
const valueOf = (name) => (args.includes(name) ? args[args.indexOf(name) + 1] : undefined);
if (!args.includes('--no-build')) await build({ root: ROOT, logLevel: 'warn' });

register();
const { servePageBridge } = await import('../src/bridge/page-server.ts');
const kubeconfig = valueOf('--kubeconfig');
const bridge = await servePageBridge({ port: Number(process.env.API_PORT ?? 6443), proxy: args.includes('--proxy'), ...(kubeconfig ? { kubeconfig } : {}) });

/** The page as it was built, told where its door is. */
const door = {
  name: 'orrery-bridge',
  configurePreviewServer({ middlewares, config }) {
    middlewares.use((request, response, next) => {
      const path = (request.url ?? '').split('?')[0];
      if (path !== '/' && path !== '/index.html') return next();
      const html = readFileSync(join(config.root, config.build.outDir, 'index.html'), 'utf8');
      response.setHeader('content-type', 'text/html; charset=utf-8');
      response.setHeader('cache-control', 'no-cache');
      response.end(html.replace('</title>', `</title>\n    ${bridge.meta}`));
    });
  },
};

const port = Number(process.env.PORT ?? 4173);
const server = await preview({ root: ROOT, logLevel: 'warn', plugins: [door], preview: { host: '127.0.0.1', port, strictPort: Boolean(process.env.PORT) } });
const address = server.resolvedUrls?.local[0] ?? `http://127.0.0.1:${port}/`;
const { port: served } = new URL(address);
bridge.attach(server.httpServer, new Set([`http://127.0.0.1:${served}`, `http://localhost:${served}`]));
console.log(`Orrery is ready: ${address}`);
console.log(`kubectl for the open page: export KUBECONFIG=${bridge.kubeconfig}`);
