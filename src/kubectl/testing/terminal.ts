// For tests: a person at a machine with an API server on it, who types command lines; and transcripts of that, as text.
// `$ kubectl …` is a command line, `! …` a line of stderr, `[exit 1]` a code other than 0, `<<EOF` begins text for stdin.

import type { Machine } from '../../cluster/machine/machine.ts';
import { SECOND } from '../../cluster/sim/time.ts';
import { kubectlProgram } from '../kubectl.ts';

const ADMIN = '/root/admin.crt';
const kubeconfig = (address: string): string => `apiVersion: v1
kind: Config
current-context: admin@orrery
clusters:
- name: orrery
  cluster: {server: 'https://${address}:6443'}
contexts:
- name: admin@orrery
  context: {cluster: orrery, user: admin}
users:
- name: admin
  user: {client-certificate: ${ADMIN}}
`;

export interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
  /** Lines of both in their order, those of stderr with `! ` before them. */
  readonly lines: readonly string[];
}

/** The words of a command line: quotes and back-slashes as a shell has them. */
export function splitWords(line: string): string[] {
  const words: string[] = [];
  const pattern = /\s*((?:[^\s'"\\]|\\.|'[^']*'|"(?:[^"\\]|\\.)*")+)/gy;
  for (let m = pattern.exec(line); m; m = pattern.exec(line)) {
    words.push(
      (m[1] as string).replace(/'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)/g, (_, single?: string, double?: string, bare?: string) => single ?? double?.replace(/\\([\\"$`])/g, '$1') ?? bare ?? ''),
    );
  }
  return words;
}

export class Terminal {
  readonly machine: Machine;

  /** On a machine from which the API server at `address` answers; `admin` is the certificate of an administrator, PEM text. */
  constructor(machine: Machine, address: string, admin: string) {
    this.machine = machine;
    this.write(ADMIN, admin);
    this.write('/root/.kube/config', kubeconfig(address));
  }

  write(path: string, text: string): void {
    this.machine.files.write(path, text);
  }

  /** Runs one command line to its end (at most a minute). */
  run(line: string, stdin = ''): Outcome {
    const { machine } = this;
    const { sim } = machine;
    const out = { stdout: [] as string[], stderr: [] as string[], lines: [] as string[] };
    const logs = {
      write(stream: 'stdout' | 'stderr', text: string): void {
        out[stream].push(text);
        out.lines.push(stream === 'stderr' ? `! ${text}` : text);
      },
    };
    if (stdin !== '') machine.files.write('/dev/stdin', stdin);
    const process = machine.spawn(kubectlProgram, { argv: splitWords(line), env: { HOME: '/root', PWD: '/root' }, logs });
    const limit = sim.now + 60 * SECOND;
    while (process.alive && sim.step(limit));
    if (process.alive) process.kill('SIGINT');
    if (stdin !== '') machine.files.remove('/dev/stdin');
    return { stdout: out.stdout.join('\n'), stderr: out.stderr.join('\n'), code: process.status?.code ?? -1, lines: out.lines };
  }
}

interface Step {
  /** As it stands in the transcript, with its text for stdin. */
  readonly head: readonly string[];
  readonly command: string;
  readonly stdin: string;
}

function stepsOf(transcript: string): (Step | string)[] {
  const lines = transcript.split('\n');
  const steps: (Step | string)[] = [];
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i] as string;
    if (line.startsWith('#')) steps.push(line);
    if (!line.startsWith('$ ')) continue;
    const here = line.endsWith(' <<EOF');
    const text: string[] = [];
    if (here) for (i++; i < lines.length && lines[i] !== 'EOF'; i++) text.push(lines[i] as string);
    steps.push({ head: here ? [line, ...text, 'EOF'] : [line], command: line.slice(2).replace(/ <<EOF$/, ''), stdin: here ? `${text.join('\n')}\n` : '' });
  }
  return steps;
}

/** Types all command lines of a transcript and writes it anew. */
export function replay(terminal: Terminal, transcript: string): string {
  const out: string[] = [];
  for (const step of stepsOf(transcript)) {
    if (typeof step === 'string') {
      if (out.length > 0 && out.at(-1) !== '') out.push('');
      out.push(step);
      continue;
    }
    const { lines, code } = terminal.run(step.command, step.stdin);
    out.push(...step.head, ...lines, ...(code === 0 ? [] : [`[exit ${code}]`]));
  }
  return `${out.join('\n')}\n`;
}
