// The build of the page: a static folder that works from any sub-path and asks no other origin for anything.
// Why the alias and the pre-bundled list are needed is measured in the front-end notes (Monaco 0.57 + monaco-yaml 5.5).

import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';
import { firstLoad, onePage } from './scripts/first-load.mjs';
import { lateCode } from './scripts/late-code/plugin.mjs';

const page = onePage('src/ui/start.ts', 'src/ui/main.tsx');
const PAGE = ['src/ui/start.ts', 'src/ui/main.tsx', 'src/ui/i18n/zh-CN.ts'];

export default defineConfig({
  base: './',
  plugins: [react(), page.plugin, firstLoad(PAGE, 215)],
  resolve: {
    alias: [
      {
        find: 'monaco-editor/esm/vs/editor/editor.worker.js',
        replacement: fileURLToPath(new URL('./node_modules/monaco-editor/esm/vs/editor/editor.worker.js', import.meta.url)),
      },
    ],
  },
  worker: { format: 'es', plugins: () => [lateCode('src/session/worker.ts'), firstLoad(['src/session/worker.ts'], 300)] },
  build: {
    target: 'es2023',
    chunkSizeWarningLimit: 5000,
    modulePreload: { polyfill: false },
    rolldownOptions: { output: { codeSplitting: { includeDependenciesRecursively: false, groups: [page.group] } } },
  },
  optimizeDeps: {
    include: [
      'react-dom/client',
      'comlink',
      '@xyflow/react',
      'zustand',
      'i18next',
      'react-resizable-panels',
      'fflate',
      'idb-keyval',
      'valibot',
      'monaco-editor/editor',
      'monaco-editor/features/register.all',
      'monaco-editor/languages/definitions/yaml/register',
      'monaco-editor/editor/editor.worker',
      'monaco-yaml',
      'monaco-yaml/yaml.worker.js',
    ],
  },
  server: { host: '127.0.0.1' },
  preview: { host: '127.0.0.1', strictPort: true },
});
