// Every Service of the shared corpus whose Pods are ready answers by name from a Pod; those that do not are listed with the reason.
// A sample in normal runs; CORPUS=1 runs all, CORPUS_FILES=<expression> those files. Skipped where the corpus is not at hand.

import { existsSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { answersOf, type ServiceAnswer } from './services.ts';
import { roundsOf } from './workloads.ts';

const CORPUS = fileURLToPath(new URL('../../../../shared/corpus/', import.meta.url));
const THERE = existsSync(`${CORPUS}expected-ends.json`);
const ALL = Boolean(process.env['CORPUS']);
const BATCH = 50;
const WORKERS = ALL ? 16 : 6;
const MINUTES = 6;

/** What reading has shown: the manifest calls a port at which its image does not listen. */
const BY_THE_MANIFEST: readonly { readonly service: RegExp; readonly why: string }[] = [
  { service: /run-my-nginx\.yaml my-nginx$/, why: 'its port 443 is that of nginx-secure-app.yaml beside it, which takes the place of this plain nginx' },
  { service: /istio.*curl(-spire)?\.yaml curl$/, why: 'the Pod sleeps: the Service is there so that the mesh knows it' },
  { service: /jaeger\.yaml jaeger-(agent|collector)$/, why: 'the newest jaeger has neither the agent (UDP) nor the port 14267 any more' },
  { service: /nfs-backupstore\.yaml longhorn-test-nfs-svc$/, why: 'the port of the headless Service is called "notnecessary", and is' },
  { service: /longhorn\.yaml longhorn-ui$/, why: 'its port 443 is that of the proxy in longhorn-okd.yaml beside it' },
  { service: /subdomain\.yaml subdomain-simple-subdomain-service$/, why: 'the Pods sleep: "actually, no port is needed"' },
];

const reasonOf = (subject: string): string | undefined => BY_THE_MANIFEST.find((e) => e.service.test(subject))?.why;

/** One a line: what answered, what did not. */
function report(answers: readonly ServiceAnswer[]): { readonly text: string; readonly unexplained: readonly string[] } {
  const ports = answers.flatMap((a) => a.ports);
  const good = answers.filter((a) => a.ports.every((p) => p.ok));
  const count = (test: (a: ServiceAnswer) => boolean): string => `${answers.filter((a) => test(a) && a.ports.every((p) => p.ok)).length} of ${answers.filter(test).length}`;
  const kinds = [...new Set(answers.map((a) => a.kind))].sort().map((kind) => `  ${count((a) => a.kind === kind)} ${kind}`);
  const rows = answers.flatMap((a) => {
    const bad = a.ports.filter((p) => !p.ok);
    if (bad.length === 0) return [];
    const subject = `${a.file.replace('manifests/', '')} ${a.name}`;
    return [{ subject, why: reasonOf(subject), text: `  ${subject}: ${bad.map((p) => `${p.port.slice(p.port.indexOf(':'))} ${p.answer}`).join(', ')}` }];
  });
  const text = `${good.length} of ${answers.length} Services with ready Pods answer by name on every port (${ports.filter((p) => p.ok).length} of ${ports.length} ports)\n${kinds.join('\n')}\nexceptions:\n${rows.map((r) => `${r.text}${r.why === undefined ? '' : `: ${r.why}`}`).join('\n')}\n`;
  return { text, unexplained: rows.flatMap((r) => (r.why === undefined ? [r.subject] : [])) };
}

describe.skipIf(!THERE)('the Services of the corpus', () => {
  it('answer by name', { timeout: 3_600_000 }, () => {
    const only = process.env['CORPUS_FILES'];
    const wanted = only ? new RegExp(only) : null;
    const rounds = roundsOf(CORPUS).filter((round) => round.objects.some((o) => o.kind === 'Service')).filter((round, i) => wanted?.test(round.file) ?? (ALL || i % 40 === 3));
    const answers: ServiceAnswer[] = [];
    const seen = new Set<string>();
    for (let at = 0; at < rounds.length; at += BATCH) {
      const started = performance.now();
      for (const answer of answersOf(rounds.slice(at, at + BATCH), WORKERS, MINUTES)) {
        // A Service that stands beside several workloads counts once.
        const key = `${answer.file.slice(0, answer.file.lastIndexOf('/'))} ${answer.name}`;
        if (seen.has(key)) continue;
        seen.add(key);
        answers.push(answer);
      }
      if (process.env['CORPUS_OUT']) writeFileSync(process.env['CORPUS_OUT'], report(answers).text);
      if (ALL) process.stderr.write(`${Math.min(at + BATCH, rounds.length)} of ${rounds.length} files (${Math.round(performance.now() - started)} ms)\n`);
    }
    const { text, unexplained } = report(answers);
    if (ALL || wanted !== null || unexplained.length > 0) process.stdout.write(text);
    expect(answers.length).toBeGreaterThan(0);
    expect(unexplained).toEqual([]);
  });
});
