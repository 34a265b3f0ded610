// The proof that our kubectl is kubectl: every command line of testing/commands goes through a real kubectl (over the bridge) and
// through ours, in one cluster, and both must print the same. Lines are grouped in files; others only add lines. Skipped where there
// is no real kubectl. Lines with `+` prepare: ours alone. DIFF=regexp picks lines or files,
// DIFF=all takes all of them; by default those run whose answers depend on no second of the clock. What differs between 1.33 (the newest at hand) and 1.36 is listed in `sameVersion`.

import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Headless } from '../bridge/headless.ts';
import { serveBridge } from '../bridge/server.ts';
import { takeUpgrade } from '../bridge/upgrade.ts';
import { OPERATOR_ENV } from '../cluster/bootstrap/cluster.ts';
import { kubectlProgram } from './kubectl.ts';
import { realKubectls } from '../bridge/real-kubectl.ts';
import { splitWords } from './testing/terminal.ts';

const REAL = realKubectls(['1.33'])[0] ?? '';
const READS = /^kubectl (get|describe|logs|events|explain|api-|auth can-i|cluster-info|rollout (status|history))/;
/** Files whose lines do not watch Pods come and go, or two clocks tick. */
const STEADY = '^(api|create|describe|kustomize|read|write)\\.txt';
const HERE = fileURLToPath(new URL('./testing/', import.meta.url));
const WORK = '/root/work';

interface Printed {
  readonly out: string;
  readonly err: string;
  readonly code: number;
}

/** What 1.36 says otherwise than 1.33, and what is never the same twice. */
function sameVersion(text: string, namespace: string): string {
  return text
    .replaceAll(namespace, '$NS')
    .replace(/\/(tmp\/kubectl-\w+|root\/work)/g, '/WORK')
    .replaceAll(namespace === 'ns-real' ? 'ns-ours' : 'ns-real', '$NS')
    .replaceAll('unrecognized condition: ""', 'unrecognized condition: []')
    .replace(/error: no objects passed to scale (\S+ "\S+" not found)/, 'Error from server (NotFound): $1')
    .replace(/^Warning: resource \S+ was previously managed with 'kubectl apply'\..*\n/gm, '')
    .replace(/ from [\w$-]+ namespace/g, '')
    .replace(/^( *)metadata:\n\1 {2}creationTimestamp: null\n(?!\1 )/gm, '$1metadata: {}\n')
    .replace(/\{\n\s*"creationTimestamp": null\n\s*\}/g, '{}')
    .replace(/,\n\s*"creationTimestamp": null\n/g, '\n')
    .replace(/,\\?"creationTimestamp\\?":null|\\?"creationTimestamp\\?":null,?/g, '')
    .replace(/^\s*"?creationTimestamp"?: null,?\n/gm, '')
    .replace(/"creationTimestamp":(null|interface \{\}\(nil\)),?/g, '')
    .replace(/\s+--server=http:\S+\s+--cache-dir=[\w/]+/g, '')
    .replace(/^(\S+) modified$/gm, '$1 labeled')
    .replace(/^All commands and output from this session will be recorded.*\n/gm, '')
    .replace(/^Waiting for (deployment|daemon set) .*\n/gm, '')
    .replace(/,kyaml|kyaml,|, kyaml/g, '')
    .replace(/\b[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}\b/g, 'UID')
    .replace(/(resourceVersion"?: ?)"?\d+"?/g, '$1RV')
    .replace(/(LIVE|MERGED)-\d+/g, '$1')
    .replace(/^(---|\+\+\+) (\S+)\t.*$/gm, '$1 $2')
    .replace(/\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z?/g, 'TIME')
    .replace(/\b[\da-f]{64}\b/g, 'ID')
    .replace(/10\.\d+\.\d+\.\d+/g, 'IP')
    .replace(/-[bcdfghjklmnpqrstvwxz2456789]{5}\b/g, '-RANDOM')
    .replace(/ +\d+ \(\d\S* ago\)/g, ' N (AGE ago)')
    .replace(/ +(\d+[smhd]\d*[smhd]?|<invalid>)(?= |$)/gm, ' AGE')
    .replace(/^[IWE]\d{4} .*\] /gm, 'KLOG ')
    .replace(/^ {2}(----|Type) +(------|Reason) +(----|Age) +(----|From) +(-------|Message)$/gm, '  $1 $2 $3 $4 $5')
    .replace(/^( {2}(?:Normal|Warning)) +(\S+) +(?:\d\S*|<unknown>|<invalid>|AGE)(?: \(x\d+ over [^)]+\))? +(\S+) +(?:spec\.\S+: )?/gm, '$1 $2 AGE $3 ')
    .replace(/\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000/g, 'DATE')
    .replace(/\(lasts [^)]+\)/g, '(lasts AGE)')
    .replace(/^ {2}Kube-Proxy Version:.*\n/gm, '')
    .replace(/^(Mountable secrets|Tokens|AppProtocol): .*\n/gm, '')
    .replace(/^Time Zone: .*\n/gm, '')
    .replace(/(\d\/(?:TCP|UDP|SCTP)) \([\w-]+\)/g, '$1')
    .replace(/ +$/gm, '');
}

const normal = ({ out, err, code }: Printed, namespace: string): string => `${sameVersion(out, namespace)}\n--- stderr\n${sameVersion(err, namespace)}\n--- exit ${code}`;

function linesOf(): { group: string; line: string }[] {
  const asked = process.env['DIFF'] ?? STEADY;
  const pick = new RegExp(asked === 'all' ? '' : asked);
  return readdirSync(`${HERE}commands`)
    .filter((file) => file.endsWith('.txt'))
    .sort()
    .flatMap((file) => {
      const lines = readFileSync(`${HERE}commands/${file}`, 'utf8').split('\n').filter((line) => /^(\+ )?kubectl/.test(line));
      const picked = new Set(lines.filter((line) => !line.startsWith('+ ') && (pick.test(line) || pick.test(file))));
      return lines.filter((line) => picked.has(line) || (picked.size > 0 && line.startsWith('+ '))).map((line) => ({ group: file, line }));
    });
}

describe.skipIf(!existsSync(REAL))('real kubectl and ours', () => {
  const headless = new Headless({ controlPlanes: 1, workers: 2, seed: 1, speed: 1 });
  const folder = mkdtempSync(join(tmpdir(), 'kubectl-'));
  let bridge: Awaited<ReturnType<typeof serveBridge>>;

  beforeAll(async () => {
    symlinkSync(REAL, join(folder, 'kubectl'));
    cpSync(`${HERE}manifests`, folder, { recursive: true });
    for (const entry of readdirSync(`${HERE}manifests`, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      headless.cluster.operator.files.write(path.replace(`${HERE}manifests`, WORK), readFileSync(path, 'utf8'));
    }
    bridge = await serveBridge({ port: 0, backend: headless, upgrade: takeUpgrade });
    await headless.boot();
    headless.start();
    for (const name of ['ns-real', 'ns-ours']) await ours(`kubectl create -f ${WORK}/${name}.yaml`, name);
  }, 120_000);

  afterAll(() => {
    headless.stop();
    bridge.server.close();
  });

  function real(line: string): Promise<Printed> {
    const argv = [`--server=http://127.0.0.1:${bridge.port}`, `--cache-dir=${folder}/cache`];
    const words = splitWords(line.replaceAll('$NS', 'ns-real'));
    const dashes = words.includes('--') ? words.indexOf('--') : words.length;
    return new Promise((resolve) => {
      execFile(join(folder, 'kubectl'), words.at(-1) === '-o' ? [...argv, ...words.slice(1)] : [...words.slice(1, dashes), ...argv, ...words.slice(dashes)], { cwd: folder, timeout: 20_000, env: { HOME: folder, PATH: process.env['PATH'] ?? '', KUBECONFIG: '/nonexistent' } }, (error, out, err) => {
        resolve({ out, err, code: typeof error?.code === 'number' ? error.code : error ? -1 : 0 });
      });
    });
  }

  async function ours(line: string, namespace = 'ns-ours'): Promise<Printed> {
    const out = { stdout: '', stderr: '' };
    const logs = { write: (stream: 'stdout' | 'stderr', text: string): void => void (out[stream] += `${text}\n`), raw: (stream: 'stdout' | 'stderr', text: string): void => void (out[stream] += text) };
    const { operator, sim } = headless.cluster;
    if (line.includes(`/${namespace}.yaml`)) operator.files.write(`${WORK}/${namespace}.yaml`, `apiVersion: v1\nkind: Namespace\nmetadata: {name: ${namespace}}\n`);
    const process = operator.spawn(kubectlProgram, { argv: splitWords(line.replaceAll('$NS', namespace)), env: { ...OPERATOR_ENV, PWD: WORK }, logs, place: `${operator.place}/kubectl` });
    for (const end = Date.now() + 20_000; process.alive && Date.now() < end; ) {
      if (!sim.step(sim.now + 100_000)) await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return { out: out.stdout, err: out.stderr, code: process.status?.code ?? -1 };
  }

  for (const { group, line } of linesOf()) {
    it(`${group}: ${line}`, { timeout: 60_000 }, async () => {
      if (line.startsWith('+ ')) {
        const { code, err } = await ours(line.slice(2));
        return expect(code === 0 ? '' : err).toBe('');
      }
      // What only reads may be asked again: between the two a Pod may have become Ready, or a second passed.
      for (let again = READS.test(line) ? 3 : 0; ; again--) {
        const expected = normal(await real(line), 'ns-real');
        const got = normal(await ours(line), 'ns-ours');
        if (got === expected) return;
        if (again === 0) return expect(got).toBe(expected);
        await new Promise((resolve) => setTimeout(resolve, 1_000));
      }
    });
  }
});
