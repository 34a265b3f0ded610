// Flags that every command takes, and groups of flags that many take, with kubectl's names and defaults.

import { flag, type FlagSet } from './flag-set.ts';

export const GLOBAL_FLAGS: FlagSet = [
  flag.string('as', 'The user to act as for this operation. May be a regular user or a service account in a namespace.'),
  flag.array('as-group', 'A group to act as; repeat it for several groups.'),
  flag.string('as-uid', 'The UID to act as.'),
  flag.array('as-user-extra', 'An extra attribute of the user to act as, key=value; repeat it for several.'),
  flag.string('cache-dir', 'Where discovery is cached.', { value: '/root/.kube/cache' }),
  flag.string('certificate-authority', 'File with the certificate of the authority that signed the server certificate.'),
  flag.string('client-certificate', 'File with the client certificate for TLS.'),
  flag.string('client-key', 'File with the client key for TLS.'),
  flag.string('cluster', 'The cluster of the kubeconfig to use.'),
  flag.string('context', 'The context of the kubeconfig to use.'),
  flag.bool('disable-compression', 'Do not ask the server for compressed answers.'),
  flag.bool('insecure-skip-tls-verify', 'Do not check the certificate of the server. HTTPS is then not secure.'),
  flag.string('kubeconfig', 'The kubeconfig file to use.'),
  flag.string('kuberc', 'The kuberc file with preferences. "off" turns preferences off.'),
  flag.duration('log-flush-frequency', 'Longest time between two flushes of the log.', { value: '5s' }),
  flag.bool('match-server-version', 'Insist on a server of the version of the client.'),
  flag.string('namespace', 'The namespace of this request.', { short: 'n' }),
  flag.string('password', 'Password for basic authentication.'),
  flag.string('profile', 'Which profile to record: none, cpu, heap, goroutine, threadcreate, block or mutex.', { value: 'none' }),
  flag.string('profile-output', 'The file for the profile.', { value: 'profile.pprof' }),
  flag.string('request-timeout', 'How long one request may take, such as 1s, 2m, 3h. Zero means no limit.', { value: '0' }),
  flag.string('server', 'Address and port of the API server.', { short: 's' }),
  flag.string('tls-server-name', 'Name to expect in the server certificate in place of the host name.'),
  flag.string('token', 'Bearer token for the API server.'),
  flag.string('user', 'The user of the kubeconfig to use.'),
  flag.string('username', 'Name for basic authentication.'),
  flag.int('v', 'How much to log.', { short: 'v' }),
  { name: 'vmodule', type: 'text', value: '', help: 'Log levels for source files, pattern=N, separated by commas.' },
  flag.bool('warnings-as-errors', 'Exit with an error when the server sends warnings.'),
];

export const HELP_FLAG = flag.bool('help', 'Help for this command.', { short: 'h' });

/** -f, -k, -R. */
export const filenameFlags = (usage = 'to use.'): FlagSet => [
  flag.slice('filename', `Files, folders or URLs with the resources ${usage}`, { short: 'f' }),
  flag.string('kustomize', 'Folder with a kustomization to process. Not together with -f or -R.', { short: 'k' }),
  flag.bool('recursive', 'Process the folder of -f with all folders in it.', { short: 'R' }),
];

export const selectorFlag = flag.string('selector', "Label selector to filter on: '=', '==', '!=', 'in', 'notin'. Objects must satisfy all of it.", { short: 'l' });
export const fieldSelectorFlag = flag.string('field-selector', "Field selector to filter on: '=', '==' and '!='. The server knows only some fields of each type.");
export const allNamespacesFlag = flag.bool('all-namespaces', 'Look in all namespaces. The namespace of the context and --namespace are ignored.', { short: 'A' });
export const chunkSizeFlag = flag.int64('chunk-size', 'Get large lists in pieces of this size. 0 turns it off.', { value: '500' });
export const subresourceFlag = flag.string('subresource', 'Work on this subresource of the object.');
export const dryRunFlag = flag.string('dry-run', 'none, server or client. client prints what would be sent; server has the server go through it without keeping anything.', { value: 'none', alone: 'unchanged' });
export const validateFlag = flag.string('validate', 'strict (or true), warn, ignore (or false): what to do about fields that the server does not know.', { value: 'strict', alone: 'strict' });
export const fieldManagerFlag = (value: string) => flag.string('field-manager', 'Name of the manager that owns the fields.', { value });

/** -o and its companions, of commands that print objects. */
export const printFlags = (more: readonly string[] = []): FlagSet => [
  flag.bool('allow-missing-template-keys', 'Go on when a field that a template names is missing. For Go templates and JSONPath.', { value: 'true' }),
  flag.string('output', `Output format: one of ${[...FORMATS, ...more].join(', ')}.`, { short: 'o' }),
  flag.bool('show-managed-fields', 'Keep metadata.managedFields in JSON and YAML.'),
  flag.string('template', 'The template, or the file with it, for -o go-template and -o go-template-file.'),
];

/** In the order of kubectl's help. */
export const FORMATS = ['json', 'yaml', 'kyaml', 'name', 'go-template', 'go-template-file', 'template', 'templatefile', 'jsonpath', 'jsonpath-as-json', 'jsonpath-file'] as const;
