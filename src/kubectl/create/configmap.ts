// kubectl create configmap (kubectl/pkg/cmd/create/create_configmap.go).

import { configKeyErrors } from '../../cluster/api/validation/names.ts';
import { nameSuffix } from '../kustomize/names.ts';
import { CommandError } from '../print/error.ts';
import { generatorCommand } from './generator.ts';
import { addEnvFiles, addFiles, addLiterals, checkSources, sourceFlags } from './sources.ts';

export const CREATE_CONFIG_MAP = generatorCommand({
  name: 'configmap',
  aliases: ['cm'],
  use: 'configmap NAME [--from-file=[key=]source] [--from-literal=key1=value1] [--dry-run=server|client|none]',
  short: 'Create a config map from a local file, directory or literal value',
  long: 'Create a config map from files, folders or literal values.\n\n A file becomes a value under its own name, unless another key is given. A folder gives one value for each file in it.',
  examples: '# From all files of a folder\nkubectl create configmap settings --from-file=conf\n\n# From a file, under another key\nkubectl create configmap settings --from-file=app.conf=conf/production.conf\n\n# From values\nkubectl create configmap settings --from-literal=colour=blue --from-literal=size=3',
  flags: sourceFlags('config map'),
  failed: 'failed to create configmap: ',
  make(context, flags, name) {
    checkSources(flags, name);
    const data: Record<string, string> = {};
    const add = (key: string, text: string): void => {
      const errors = configKeyErrors(key);
      if (errors.length > 0) throw new CommandError(`${JSON.stringify(key)} is not a valid key name for a ConfigMap: ${errors.join(',')}`);
      if (Object.hasOwn(data, key)) throw new CommandError(`cannot add key ${JSON.stringify(key)}, another key by that name already exists in Data for ConfigMap ${JSON.stringify(name)}`);
      data[key] = text;
    };
    addFiles(context, flags.list('from-file'), add);
    addLiterals(flags.list('from-literal'), add);
    addEnvFiles(context, flags.list('from-env-file'), 'config', add);
    const suffix = flags.is('append-hash') ? `-${nameSuffix({ kind: 'ConfigMap', name, data })}` : '';
    return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: name + suffix }, ...(Object.keys(data).length > 0 ? { data } : {}) };
  },
});
