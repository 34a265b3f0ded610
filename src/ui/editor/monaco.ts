// Monaco with the YAML language and the schema of Kubernetes, loaded only when an editor is first shown.
// Monaco 0.55+ no longer hands `createData` to a worker; monaco-yaml relies on it, hence the shim below
// (remcohaszing/monaco-yaml#272).

import * as monaco from 'monaco-editor/editor';
import 'monaco-editor/features/register.all';
import 'monaco-editor/languages/definitions/yaml/register';
import EditorWorker from 'monaco-editor/editor/editor.worker?worker';
import { configureMonacoYaml } from 'monaco-yaml';
import YamlWorker from './yaml.worker.ts?worker';

self.MonacoEnvironment = { getWorker: (_id, label) => (label === 'yaml' ? new YamlWorker() : new EditorWorker()) };

interface WorkerOptions {
  readonly createData?: unknown;
}

const createWebWorker = (options: WorkerOptions) => {
  const worker = new YamlWorker();
  worker.postMessage('ignore');
  worker.postMessage(options.createData);
  return monaco.editor.createWebWorker({ worker });
};

const shimmed = { ...monaco, editor: { ...monaco.editor, createWebWorker } } as unknown as Parameters<typeof configureMonacoYaml>[0];

// Errors are told by the cluster in its own words; the language service completes, explains and formats.
const yaml = configureMonacoYaml(shimmed, { isKubernetes: true, enableSchemaRequest: false, validate: false, completion: true, hover: true, schemas: [] });

async function loadSchema(): Promise<void> {
  const answer = await fetch('./schema/kubernetes.json');
  if (!answer.ok) return;
  const schema = (await answer.json()) as object;
  await yaml.update({
    isKubernetes: true, enableSchemaRequest: false, validate: false, completion: true, hover: true,
    schemas: [{ uri: 'inmemory://kubernetes.json', fileMatch: ['*'], schema }],
  });
}

// Without the schema the editor still edits; the cluster checks the text anyway.
loadSchema().catch(() => {});

for (const [name, base, colours] of [
  ['orrery-light', 'vs', { background: '#fffefa', foreground: '#1d2126', number: '#6b6558', dim: '#6b6558', line: '#f2efe6', key: '1f4f8b', string: '6b3a00', comment: '56604f' }],
  ['orrery-dark', 'vs-dark', { background: '#1c2025', foreground: '#eceae4', number: '#9aa4b0', dim: '#9aa4b0', line: '#252a31', key: '9cc4f2', string: 'e8b98a', comment: 'a3b39a' }],
] as const) {
  monaco.editor.defineTheme(name, {
    base,
    inherit: true,
    rules: [
      { token: 'type', foreground: colours.key },
      { token: 'string', foreground: colours.string },
      { token: 'comment', foreground: colours.comment },
    ],
    colors: {
      'editor.background': colours.background,
      'editor.foreground': colours.foreground,
      'editorLineNumber.foreground': colours.number,
      'editorLineNumber.dimmedForeground': colours.dim,
      'editor.lineHighlightBackground': colours.line,
    },
  });
}

export { monaco };
