// kubectl kustomize (kubectl/pkg/cmd/kustomize).

import type { Op } from '../../cluster/sim/simulation.ts';
import type { Command } from '../command.ts';
import { flag } from '../flag-set.ts';
import { CommandError } from '../print/error.ts';
import { goYaml } from '../print/yaml.ts';
import { buildKustomization } from './build.ts';

export const KUSTOMIZE: Command = {
  name: 'kustomize',
  group: 'Advanced Commands:',
  use: 'kustomize DIR [flags]',
  short: 'Build a kustomization target from a directory or URL',
  long: "Build a set of KRM resources using a 'kustomization.yaml' file. DIR is a folder with such a file; without it, the current folder.",
  examples: '# Build the current folder\nkubectl kustomize\n\n# Build some folder\nkubectl kustomize overlays/dev',
  flags: [
    flag.bool('as-current-user', 'Run functions as the current user.'),
    flag.bool('enable-alpha-plugins', 'Allow plugins.'),
    flag.bool('enable-helm', 'Allow charts.'),
    flag.array('env', 'Environment variables for functions.', { short: 'e' }),
    flag.slice('helm-api-versions', 'API versions that charts see.'),
    flag.bool('helm-debug', 'Debug output of helm.'),
    flag.string('helm-kube-version', 'The version of Kubernetes that charts see.'),
    flag.string('helm-command', 'The helm program.', { value: 'helm' }),
    flag.string('load-restrictor', 'LoadRestrictionsNone: files outside the folder may be read.', { value: 'LoadRestrictionsRootOnly' }),
    flag.array('mount', 'Mounts for functions.'),
    flag.bool('network', 'Functions may use the network.'),
    flag.string('network-name', 'The network of functions.', { value: 'bridge' }),
    flag.string('output', 'A file for the result.', { short: 'o' }),
  ],
  *run(context, flags): Op<void> {
    if (flags.args.length > 1) throw new CommandError('specify one path to kustomization.yaml');
    const text = buildKustomization(context, flags.args[0] ?? '.').map(goYaml).join('---\n');
    if (flags.text('output') === '') context.write(text);
    else context.os.files.write(context.path(flags.text('output')), text);
  },
};
