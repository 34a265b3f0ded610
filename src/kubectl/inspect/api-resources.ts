// kubectl api-resources and api-versions (kubectl/pkg/cmd/apiresources).

import type { Op } from '../../cluster/sim/simulation.ts';
import type { Command } from '../command.ts';
import type { Context } from '../context.ts';
import { flag, type Flags } from '../flag-set.ts';
import { CommandError } from '../print/error.ts';
import { printerOf } from '../print/printer.ts';
import { TabWriter } from '../print/tabwriter.ts';
import type { Mapping } from '../resource/discovery.ts';
import { groupResource } from '../resource/mapper.ts';
import type { LiveObject } from '../rest.ts';

export const API_RESOURCES: Command = {
  name: 'api-resources',
  use: 'api-resources [flags]',
  short: 'Print the supported API resources on the server',
  examples: '# Print the supported API resources\nkubectl api-resources\n\n# Those that are not in namespaces\nkubectl api-resources --namespaced=false\n\n# Those of one group\nkubectl api-resources --api-group=rbac.authorization.k8s.io',
  flags: [
    flag.string('api-group', 'Only resources of this API group.'),
    flag.bool('cached', 'Use the cached list of resources if there is one.'),
    flag.slice('categories', 'Only resources of these categories.'),
    flag.bool('namespaced', 'false: only resources outside namespaces; true: only those inside. Default: all.', { value: 'true' }),
    flag.bool('no-headers', 'Print no headers.'),
    flag.string('output', 'Output format: one of json, yaml, kyaml, name, wide.', { short: 'o' }),
    flag.bool('show-managed-fields', 'Keep metadata.managedFields in JSON and YAML.'),
    flag.string('sort-by', "Sort by this: 'name' or 'kind'."),
    flag.slice('verbs', 'Only resources that know these verbs.'),
  ],
  run: apiResources,
};

const FORMATS = ['json', 'kyaml', 'name', 'wide', 'yaml'];

/** One version of each resource: the preferred one, or the first that has it. */
function* preferred(context: Context): Op<Mapping[]> {
  const seen = new Set<string>();
  const found: Mapping[] = [];
  for (const group of yield* context.discovery.groups()) {
    for (const version of group.versions) {
      for (const mapping of version.resources) {
        if (seen.has(groupResource(mapping)) || mapping.verbs.length === 0) continue;
        seen.add(groupResource(mapping));
        found.push(mapping);
      }
    }
  }
  return found;
}

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** metav1.APIResource with the fields in the order of the Go struct. */
const apiResource = (m: Mapping): object => ({
  name: m.resource,
  singularName: m.singular,
  namespaced: m.namespaced,
  ...(m.group === '' ? {} : { group: m.group }),
  version: m.version,
  kind: m.kind,
  verbs: m.verbs,
  ...(m.shortNames.length > 0 ? { shortNames: m.shortNames } : {}),
  ...(m.categories.length > 0 ? { categories: m.categories } : {}),
});

function* apiResources(context: Context, flags: Flags): Op<void> {
  if (flags.args.length > 0) throw context.usageError(`unexpected arguments: [${flags.args.join(' ')}]`);
  const output = flags.text('output');
  if (output !== '' && !FORMATS.includes(output)) throw new CommandError(`unable to match a printer suitable for the output format ${JSON.stringify(output)}, allowed formats are: ${FORMATS.join(',')}`);
  const sortBy = flags.text('sort-by');
  if (sortBy !== '' && sortBy !== 'name' && sortBy !== 'kind') throw new CommandError('--sort-by accepts only name or kind');
  if (!flags.is('cached')) yield* context.discovery.invalidate();
  const [verbs, categories] = [flags.list('verbs'), flags.list('categories')];
  const found = (yield* preferred(context)).filter(
    (m) =>
      (!flags.given('api-group') || m.group === flags.text('api-group')) &&
      (!flags.given('namespaced') || m.namespaced === flags.is('namespaced')) &&
      verbs.every((verb) => m.verbs.includes(verb)) &&
      categories.every((category) => m.categories.includes(category)),
  );
  const key = (m: Mapping): string => (sortBy === 'name' ? m.resource : sortBy === 'kind' ? m.kind : m.group);
  found.sort((a, b) => byText(key(a), key(b)) || byText(a.resource, b.resource));
  if (output === 'name') {
    for (const m of found) context.print(groupResource(m));
    return;
  }
  if (output !== '' && output !== 'wide') {
    const list = { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: '', resources: found.map(apiResource) };
    printerOf(context, flags, '', [], true)?.({ object: list as unknown as LiveObject });
    return;
  }
  const tabs = new TabWriter((text) => context.write(text));
  const wide = output === 'wide';
  if (!flags.is('no-headers')) tabs.write(`NAME\tSHORTNAMES\tAPIVERSION\tNAMESPACED\tKIND${wide ? '\tVERBS\tCATEGORIES' : ''}\n`);
  for (const m of found) {
    const cells = [m.resource, m.shortNames.join(','), m.apiVersion, String(m.namespaced), m.kind, ...(wide ? [m.verbs.join(','), m.categories.join(',')] : [])];
    tabs.write(`${cells.join('\t')}\n`);
  }
  tabs.flush();
}

export const API_VERSIONS: Command = {
  name: 'api-versions',
  use: 'api-versions',
  short: 'Print the supported API versions on the server, in the form of "group/version"',
  examples: '# Print the supported API versions\nkubectl api-versions',
  flags: [],
  *run(context, flags): Op<void> {
    if (flags.args.length > 0) throw context.usageError(`unexpected arguments: [${flags.args.join(' ')}]`);
    yield* context.discovery.invalidate();
    const groups = yield* context.discovery.groups();
    const versions = groups.flatMap((g) => g.versions.map((v) => (g.group === '' ? v.version : `${g.group}/${v.version}`)));
    for (const version of versions.sort(byText)) context.print(version);
  },
};
