// The mistakes that people make (../shared/mistakes), made with our kubectl in one booted cluster: what it says and its exit code
// must be what real kubectl and a real 1.36 say. Skipped, and said so, where ../shared is not at hand.

import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Headless } from '../bridge/headless.ts';
import { OPERATOR_ENV } from '../cluster/bootstrap/cluster.ts';
import { SECOND } from '../cluster/sim/time.ts';
import { kubectlProgram } from './kubectl.ts';
import { splitWords } from './testing/terminal.ts';

const FOLDER = fileURLToPath(new URL('../../../shared/mistakes/', import.meta.url));
const THERE = existsSync(`${FOLDER}mistakes.json`);
const WORK = '/root/mistakes';

interface Mistake {
  readonly id: number;
  readonly title: string;
  readonly file: string | null;
  readonly how: string;
  readonly expected: string;
}

/** What a mistake needs besides its file, and what its expected text says in prose. */
interface Script {
  readonly files?: Readonly<Record<string, string>>;
  /** Command lines that must go well before. */
  readonly before?: readonly string[];
  /** The line itself, where `how` is prose. */
  readonly line?: string;
  readonly expected?: string;
  /** Asked after the mistake, with what it must print. */
  readonly then?: readonly [line: string, out: string];
  readonly after?: readonly string[];
}

const QUOTA = `apiVersion: v1
kind: ResourceQuota
metadata: {name: mem-cpu-demo}
spec: {hard: {requests.cpu: "1", requests.memory: 1Gi, limits.cpu: "2", limits.memory: 2Gi}}
`;
const FIRST = `apiVersion: v1
kind: Pod
metadata: {name: first}
spec:
  containers:
  - name: first
    image: nginx:1.27
    resources: {limits: {memory: 800Mi, cpu: 800m}, requests: {memory: 600Mi, cpu: 400m}}
`;
const LIMITS = `apiVersion: v1
kind: LimitRange
metadata: {name: cpu-min-max}
spec: {limits: [{type: Container, max: {cpu: 800m}, min: {cpu: 200m}}]}
`;
const binding = (role: string): string => `apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: web}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: ${role}}
subjects: [{kind: ServiceAccount, name: default, namespace: default}]
`;
const LARGE = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: applicationsets.argoproj.io}
spec:
  group: argoproj.io
  scope: Namespaced
  names: {kind: ApplicationSet, plural: applicationsets, singular: applicationset}
  versions:
  - name: v1alpha1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, description: ${'x'.repeat(300_000)}}}
`;
const WEBHOOK = `apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: ingress-nginx-admission}
webhooks:
- name: validate.nginx.ingress.kubernetes.io
  admissionReviewVersions: [v1]
  sideEffects: None
  clientConfig:
    service: {name: ingress-nginx-controller-admission, namespace: ingress-nginx, path: /networking/v1/ingresses}
  rules: [{apiGroups: [networking.k8s.io], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [ingresses]}]
`;
const INGRESS = `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec: {defaultBackend: {service: {name: web, port: {number: 80}}}}
`;

/** The documents of a file, each as a file of its own. */
function halves(file: string): Record<string, string> {
  const [first = '', second = ''] = THERE ? readFileSync(`${FOLDER}${file}`, 'utf8').split(/^---\n/m) : [];
  return { 'first.yaml': first, 'second.yaml': second };
}
const ONE_THEN_OTHER = (files: Record<string, string>): Script => ({
  files,
  before: ['kubectl apply -f first.yaml'],
  line: 'kubectl apply -f second.yaml',
  after: ['kubectl delete -f first.yaml'],
});
const POD_GONE = 'kubectl delete pod web --force --grace-period=0';

const SCRIPTS: Readonly<Record<number, Script>> = {
  53: ONE_THEN_OTHER(halves('53-selector-changed-on-update.yaml')),
  57: ONE_THEN_OTHER(halves('57-statefulset-servicename-changed.yaml')),
  70: ONE_THEN_OTHER({ 'first.yaml': binding('reader'), 'second.yaml': binding('other') }),
  73: {
    files: { 'quota.yaml': QUOTA, 'first.yaml': FIRST },
    before: ['kubectl apply -f quota.yaml', 'kubectl wait --for=jsonpath={.status.used} quota/mem-cpu-demo', 'kubectl apply -f first.yaml'],
    after: ['kubectl delete pod first --force --grace-period=0', 'kubectl delete -f quota.yaml'],
  },
  74: {
    files: { 'quota.yaml': QUOTA },
    before: ['kubectl apply -f quota.yaml', 'kubectl wait --for=jsonpath={.status.used} quota/mem-cpu-demo'],
    after: ['kubectl delete -f quota.yaml'],
  },
  75: { files: { 'limits.yaml': LIMITS }, before: ['kubectl apply -f limits.yaml'], after: ['kubectl delete -f limits.yaml'] },
  77: { files: { 'crds.yaml': LARGE }, line: 'kubectl apply -f crds.yaml' },
  78: {
    files: { 'webhook.yaml': WEBHOOK, 'ingress.yaml': INGRESS },
    before: ['kubectl apply -f webhook.yaml'],
    line: 'kubectl apply -f ingress.yaml',
    after: ['kubectl delete -f webhook.yaml'],
  },
  81: { after: ['kubectl delete pod web2 --force --grace-period=0'] },
  82: {
    expected:
      'Error from server (BadRequest): error when creating "82-unquoted-yes-on-becomes-true.yaml": ConfigMap in version "v1" cannot be ' +
      'handled as a ConfigMap: json: cannot unmarshal bool into Go struct field ConfigMap.data of type string',
  },
  83: { expected: 'pod/web created', then: ['kubectl get pod web -o jsonpath={.spec.volumes[0].configMap.defaultMode}', '493'], after: [POD_GONE] },
};

interface Printed {
  readonly out: string;
  readonly err: string;
  readonly code: number;
}

if (!THERE) process.stderr.write(`mistakes: skipped, ${FOLDER} is not there\n`);

describe.skipIf(!THERE)('mistakes', () => {
  const mistakes = THERE ? (JSON.parse(readFileSync(`${FOLDER}mistakes.json`, 'utf8')) as readonly Mistake[]) : [];
  const headless = new Headless({ controlPlanes: 1, workers: 1, seed: 1, speed: 1 });
  const table: string[] = [];

  beforeAll(async () => {
    await headless.boot();
  }, 120_000);
  afterAll(() => {
    const equal = table.filter((row) => row.startsWith('equal')).length;
    process.stdout.write(`${table.join('\n')}\n${equal} of ${mistakes.length} mistakes equal\n`);
  });

  function run(line: string): Printed {
    const text = { stdout: '', stderr: '' };
    const logs = {
      write: (stream: 'stdout' | 'stderr', line: string): void => void (text[stream] += `${line}\n`),
      raw: (stream: 'stdout' | 'stderr', piece: string): void => void (text[stream] += piece),
    };
    const { operator, sim } = headless.cluster;
    const argv = splitWords(line);
    const process = operator.spawn(kubectlProgram, { argv, env: { ...OPERATOR_ENV, PWD: WORK }, logs, place: `${operator.place}/kubectl` });
    for (const end = sim.now + 120 * SECOND; process.alive && sim.now < end; ) if (!sim.step(end)) break;
    return { out: text.stdout, err: text.stderr, code: process.status?.code ?? -1 };
  }

  function well(lines: readonly string[] = []): void {
    for (const line of lines) expect({ line, ...run(line) }).toMatchObject({ line, code: 0 });
  }

  for (const mistake of mistakes) {
    it(`${mistake.id} ${mistake.title}`, { timeout: 30_000 }, () => {
      const { operator } = headless.cluster;
      const script = SCRIPTS[mistake.id] ?? {};
      if (mistake.file !== null) operator.files.write(`${WORK}/${mistake.file}`, readFileSync(`${FOLDER}${mistake.file}`, 'utf8'));
      for (const [name, content] of Object.entries(script.files ?? {})) operator.files.write(`${WORK}/${name}`, content);
      well(script.before);
      const line = script.line ?? mistake.how;
      const { out, err, code } = run(line);
      const then = script.then === undefined ? undefined : run(script.then[0]).out;
      well(script.after);
      const expected = `${script.expected ?? mistake.expected}\n`;
      const fails = !/^\S+ created\n$/.test(expected);
      const [said, other] = fails ? [err, out] : [out, err];
      const equal = said === expected && other === '' && code === (fails ? 1 : 0) && then === script.then?.[1];
      table.push(`${equal ? 'equal ' : 'DIFFER'} ${String(mistake.id).padStart(2)} exit ${code}  ${mistake.title}`);
      expect({ said, other, code, then }).toEqual({ said: expected, other: '', code: fails ? 1 : 0, then: script.then?.[1] });
    });
  }
});
