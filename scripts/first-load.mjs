// How the first load comes, and what may be loaded before the page shows a running cluster, in kilobytes gzipped: a build that exceeds
// it fails. What boot does not need goes into a chunk of its own: an import() in the page; in the worker that happens by itself
// (scripts/late-code).

import { gzipSync } from 'node:zlib';

const weigh = (text) => gzipSync(text, { level: 9 }).length / 1024;

/** The name of the chunk that holds the module whose path ends so. */
const chunkOf = (bundle, module) => Object.keys(bundle).find((name) => bundle[name].type === 'chunk' && bundle[name].moduleIds.some((id) => id.endsWith(module)));

/** Nearly all of the first load runs at once: V8 compiles such a file as a whole, where otherwise it would read each function twice. */
export const COMPILE_WHOLE = '//# allFunctionsCalledOnLoad\n';

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
      const files = modules.map((module) => chunkOf(bundle, module));
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

/**
 * What the page is drawn with comes as one file: every file of its own costs a request while the processor is busy with the cluster.
 * @param start the end of the path of the first script @param main and of the module that draws the page
 */
export function onePage(start, main) {
  let members = new Set();
  const group = { name: 'page', test: (id) => members.has(id) };
  const plugin = {
    name: 'one-page',
    apply: 'build',
    buildEnd() {
      const reached = (end) => {
        const found = new Set();
        const add = (id) => {
          if (found.has(id)) return;
          found.add(id);
          for (const other of this.getModuleInfo(id)?.importedIds ?? []) add(other);
        };
        for (const id of this.getModuleIds()) if (id.endsWith(end)) add(id);
        return found;
      };
      const first = reached(start);
      members = new Set([...reached(main)].filter((id) => !first.has(id)));
    },
    generateBundle: {
      order: 'post',
      handler(_, bundle) {
        const page = bundle[chunkOf(bundle, main)];
        if (page !== undefined) page.code = COMPILE_WHOLE + page.code;
      },
    },
  };
  return { group, plugin };
}
