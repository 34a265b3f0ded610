// The YAML language service of the editor, in a worker of its own.

import 'monaco-yaml/yaml.worker.js';
