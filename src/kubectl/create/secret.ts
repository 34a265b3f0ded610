// kubectl create secret generic, docker-registry and tls (kubectl/pkg/cmd/create/create_secret*.go).

import { toBase64 } from '../../cluster/api/base64.ts';
import { configKeyErrors } from '../../cluster/api/validation/names.ts';
import type { Command } from '../command.ts';
import type { Context } from '../context.ts';
import { flag, type Flags } from '../flag-set.ts';
import { nameSuffix } from '../kustomize/names.ts';
import { CommandError } from '../print/error.ts';
import { escapeHtml } from '../print/json.ts';
import { generatorCommand, type Made } from './generator.ts';
import { type Add, addEnvFiles, addFiles, addLiterals, checkSources, sourceFlags } from './sources.ts';

const FAILED = 'failed to create secret ';
const DOCKER_KEY = '.dockerconfigjson';

/** Collects values, as base64. */
class SecretData {
  readonly data: Record<string, string> = {};

  readonly add: Add = (key, text) => {
    const errors = configKeyErrors(key);
    if (errors.length > 0) throw new CommandError(`${JSON.stringify(key)} is not valid key name for a Secret ${errors.join(';')}`);
    if (Object.hasOwn(this.data, key)) throw new CommandError(`cannot add key ${key}, another key by that name already exists`);
    this.data[key] = toBase64(text);
  };

  secret(flags: Flags, name: string, type: string): Made {
    const { data } = this;
    const suffix = flags.is('append-hash') ? `-${nameSuffix({ kind: 'Secret', type, name, data })}` : '';
    const filled = Object.keys(data).length > 0 ? { data } : {};
    return { apiVersion: 'v1', kind: 'Secret', metadata: { name: name + suffix }, ...filled, ...(type === '' ? {} : { type }) };
  }
}

const GENERIC = generatorCommand({
  name: 'generic',
  use: 'generic NAME [--type=string] [--from-file=[key=]source] [--from-literal=key1=value1] [--dry-run=server|client|none]',
  short: 'Create a secret from a local file, directory, or literal value',
  long: 'Create a secret from files, folders or literal values.\n\n A file becomes a value under its own name, unless another key is given. A folder gives one value for each file in it.',
  examples: '# From values\nkubectl create secret generic keys --from-literal=user=admin --from-literal=password=s3cret\n\n# From files\nkubectl create secret generic ssh --from-file=ssh-privatekey=id_rsa --from-file=ssh-publickey=id_rsa.pub',
  flags: [...sourceFlags('secret'), flag.string('type', 'The type of the secret.')],
  failed: FAILED,
  make(context, flags, name) {
    checkSources(flags, name);
    const values = new SecretData();
    addLiterals(flags.list('from-literal'), values.add);
    addFiles(context, flags.list('from-file'), values.add);
    addEnvFiles(context, flags.list('from-env-file'), 'secret', values.add);
    return values.secret(flags, name, flags.text('type'));
  },
});

/** The configuration file of docker for one registry. */
function dockerConfig(flags: Flags): string {
  const [username, password, email] = [flags.text('docker-username'), flags.text('docker-password'), flags.text('docker-email')];
  const entry = { username, password, ...(email === '' ? {} : { email }), auth: toBase64(`${username}:${password}`) };
  return escapeHtml(JSON.stringify({ auths: { [flags.text('docker-server')]: entry } }));
}

const DOCKER_REGISTRY = generatorCommand({
  name: 'docker-registry',
  use: 'docker-registry NAME --docker-username=user --docker-password=password --docker-email=email [--docker-server=string] [--from-file=[key=]source] [--dry-run=server|client|none]',
  short: 'Create a secret for use with a Docker registry',
  long: 'Create a secret for use with a Docker registry.\n\n Nodes that pull images for pods present it to the registry: the pods or their service account name it in imagePullSecrets.',
  examples: '# From the parts\nkubectl create secret docker-registry registry --docker-server=registry.example.com --docker-username=jane --docker-password=s3cret\n\n# From a configuration file of docker\nkubectl create secret docker-registry registry --from-file=.docker/config.json',
  flags: [
    flag.bool('append-hash', 'Put a hash of the secret at the end of its name.'),
    flag.string('docker-email', 'Mail address for the registry.'),
    flag.string('docker-password', 'Password for the registry.'),
    flag.string('docker-server', 'The registry.', { value: 'https://index.docker.io/v1/' }),
    flag.string('docker-username', 'User name for the registry.'),
    flag.slice('from-file', `File with the configuration of docker; its key is ${DOCKER_KEY}.`),
  ],
  failed: FAILED,
  make(context, flags, name) {
    const files = flags.list('from-file').map((source) => (source.includes('=') ? source : `${DOCKER_KEY}=${source}`));
    if (name === '') throw new CommandError('name must be specified');
    if (files.length === 0 && ['docker-username', 'docker-password', 'docker-server'].some((f) => flags.text(f) === '')) {
      throw new CommandError('either --from-file or the combination of --docker-username, --docker-password and --docker-server is required');
    }
    const values = new SecretData();
    if (files.length > 0) addFiles(context, files, values.add);
    else values.add(DOCKER_KEY, dockerConfig(flags));
    return values.secret(flags, name, 'kubernetes.io/dockerconfigjson');
  },
});

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[\s\S]*?-----END \1-----/g;

/** What tls.X509KeyPair says of files that hold no certificate or no key. */
function checkPem(text: string, input: string, wanted: string, fits: (type: string) => boolean): void {
  const types = [...text.matchAll(BLOCK)].map((m) => m[1] as string);
  if (types.some(fits)) return;
  if (types.length === 0) throw new CommandError(`tls: failed to find any PEM data in ${input} input`);
  throw new CommandError(`tls: failed to find ${wanted} in ${input} input after skipping PEM blocks of the following types: [${types.join(' ')}]`);
}

function readPem(context: Context, file: string): string {
  const path = context.path(file);
  if (!context.os.files.exists(path)) throw new CommandError(`Cannot read file ${file}, open ${file}: no such file or directory`);
  return context.os.files.read(path);
}

const TLS = generatorCommand({
  name: 'tls',
  use: 'tls NAME --cert=path/to/cert/file --key=path/to/key/file [--dry-run=server|client|none]',
  short: 'Create a TLS secret',
  long: 'Create a TLS secret from a pair of keys.\n\n The certificate must be PEM and belong to the private key.',
  examples: '# From a certificate and its key\nkubectl create secret tls web --cert=web.crt --key=web.key',
  flags: [
    flag.bool('append-hash', 'Put a hash of the secret at the end of its name.'),
    flag.string('cert', 'File with the certificate, PEM.'),
    flag.string('key', 'File with the private key of the certificate.'),
  ],
  failed: FAILED,
  make(context, flags, name) {
    if (flags.text('key') === '' || flags.text('cert') === '') throw new CommandError('key and cert must be specified');
    const [cert, key] = [readPem(context, flags.text('cert')), readPem(context, flags.text('key'))];
    checkPem(cert, 'certificate', '"CERTIFICATE" PEM block', (type) => type === 'CERTIFICATE');
    checkPem(key, 'key', 'PEM block with type ending in "PRIVATE KEY"', (type) => type.endsWith('PRIVATE KEY'));
    const values = new SecretData();
    values.add('tls.crt', cert);
    values.add('tls.key', key);
    return values.secret(flags, name, 'kubernetes.io/tls');
  },
});

export const CREATE_SECRET: Command = {
  name: 'secret',
  use: 'secret (docker-registry | generic | tls)',
  short: 'Create a secret using a specified subcommand',
  long: 'Create a secret of a type.\n\n docker-registry is for pulling images, generic is of type Opaque, tls holds a certificate and its key.',
  flags: [],
  subcommands: [DOCKER_REGISTRY, TLS, GENERIC],
};
