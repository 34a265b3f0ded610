// What may be loaded before the page shows a running cluster, in kilobytes gzipped: a build that exceeds it fails. What boot does not
// need goes into a chunk of its own: an import() in the page; in the worker that happens by itself (scripts/late-code).

import { gzipSync } from 'node:zlib';

const weigh = (text) => gzipSync(text, { level: 9 }).length / 1024;

/** @param modules the ends of the paths of modules whose chunks, with everything that these import, are the first load */
export function firstLoad(modules, kilobytes) {
  return {
    name: 'first-load',
    apply: 'build',
    enforce: 'post',
    generateBundle(_, bundle) {
      const first = new Set();
      const add = (file) => {
        const chunk = bundle[file];
        if (chunk === undefined || first.has(chunk)) return;
        first.add(chunk);
        for (const other of [...(chunk.imports ?? []), ...(chunk.viteMetadata?.importedCss ?? [])]) add(other);
      };
      const chunkOf = (module) => Object.keys(bundle).find((name) => bundle[name].type === 'chunk' && bundle[name].moduleIds.some((id) => id.endsWith(module)));
      const files = modules.map(chunkOf);
      // The bundle of another worker.
      if (files.every((file) => file === undefined)) return;
      for (const [i, file] of files.entries()) {
        if (file === undefined) this.error(`first load: ${modules[i]} is in no chunk`);
        add(file);
      }
      const weights = [...first].map((output) => [output.fileName, weigh(output.type === 'chunk' ? output.code : output.source)]);
      const sum = weights.reduce((total, [, weight]) => total + weight, 0);
      if (sum <= kilobytes) return;
      const list = weights.toSorted((a, b) => b[1] - a[1]).map(([name, weight]) => `\n  ${weight.toFixed(1).padStart(6)} ${name}`);
      this.error(`the first load has ${sum.toFixed(1)} KB gzipped; it may have ${kilobytes}:${list.join('')}`);
    },
  };
}
