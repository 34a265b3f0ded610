// Images made to use CPU and memory: polinux/stress, progrium/stress, vish/stress, stress-ng under its names, and the PHP page of the
// HPA walkthrough.

import { quantityValue, tryQuantity } from '../../api/quantity.ts';
import type { Os } from '../../machine/process.ts';
import { serveHttp } from '../../network/http.ts';
import type { Op } from '../../sim/simulation.ts';
import { MILLISECOND, SECOND, type Micros } from '../../sim/time.ts';
import type { ImageEntry } from '../entry.ts';
import { strftime } from '../shell/applets/system.ts';
import { allocate, durationOf, STRESS_APPLETS } from '../shell/applets/stress.ts';
import { BASH, BUSYBOX, DASH } from '../shell/shell.ts';
import { BASIC_COMMANDS, BUSYBOX_COMMANDS, commandProgram, hasExecutable, runCommandLine, toolboxOf } from '../toolbox.ts';

const alpine = toolboxOf(BUSYBOX, { ...BUSYBOX_COMMANDS, ...STRESS_APPLETS });
const ubuntu = toolboxOf(BASH, { ...BUSYBOX_COMMANDS, ...STRESS_APPLETS }, ['sh', 'bash', 'dash']);
const ROOT_FILES = { '/etc/passwd': 'root:x:0:0:root:/root:/bin/sh\n', '/tmp/.keep': '' };
const anyTag = (tags: readonly string[]) => tags;

const polinux: ImageEntry = {
  repository: 'docker.io/polinux/stress',
  tags: anyTag(['latest', '1.0.4', 'alpine', 'centos']),
  entrypoint: [],
  cmd: ['stress', '--verbose', '--vm', '1', '--vm-bytes', '128M'],
  sizeBytes: 4_041_495,
  files: ROOT_FILES,
  program: commandProgram(alpine),
  hasExecutable: hasExecutable(alpine),
};

/** Its entrypoint is stress itself. */
const withEntrypoint = (repository: string, tool: string, args: readonly string[], sizeBytes: number, cmd: readonly string[] = []): ImageEntry => ({
  repository,
  tags: (tag) => (/^[\w.-]+$/.test(tag) ? tag : null),
  entrypoint: [tool, ...args],
  cmd,
  sizeBytes,
  files: ROOT_FILES,
  program: commandProgram(ubuntu),
  hasExecutable: hasExecutable(ubuntu),
});

// --- vish/stress: flags of Go, output of glog

function* vish(os: Os): Op<number> {
  const flags = new Map<string, string>();
  for (let i = 1; i < os.argv.length; i++) {
    const m = /^--?([\w-]+)(?:=(.*))?$/.exec(os.argv[i] as string);
    if (!m) continue;
    flags.set(m[1] as string, m[2] ?? (os.argv[i + 1]?.startsWith('-') === false ? (os.argv[++i] as string) : ''));
  }
  os.process.setMemory(1_400_000);
  const cpus = Number(flags.get('cpus') ?? 0);
  const total = flags.get('mem-total') ?? '0';
  const chunk = flags.get('mem-alloc-size') ?? '4Ki';
  const sleep = flags.get('mem-alloc-sleep') ?? '1ms';
  const say = (line: number, text: string): void =>
    os.logError(`I${strftime('%m%d %T', os.sim.epoch + os.sim.now)}.${String(os.sim.now % SECOND).padStart(6, '0')}       1 main.go:${line}] ${text}`);
  for (const text of [total, chunk]) {
    if (tryQuantity(text) !== undefined) continue;
    os.logError(`F${strftime('%m%d %T', os.sim.epoch + os.sim.now)}.000000       1 main.go:24] quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'`);
    return 255;
  }
  say(26, `Allocating "${total}" memory, in "${chunk}" chunks, with a ${sleep} sleep between allocations`);
  for (let i = 0; i < cpus; i++) {
    say(39, 'Spawning a thread to consume CPU');
    os.go('cpu', () => os.process.burn());
  }
  const pause: Micros = sleep.endsWith('ms') ? Number.parseFloat(sleep) * MILLISECOND : durationOf(sleep);
  const bytes = quantityValue(total);
  if (bytes > 0) yield* allocate(os.process, bytes, Math.max(1, quantityValue(chunk)), pause);
  say(29, `Allocated "${total}" memory`);
  yield* os.sleep(Number.MAX_SAFE_INTEGER / 2);
  return 0;
}

const vishImage: ImageEntry = {
  repository: 'docker.io/vish/stress',
  tags: anyTag(['latest']),
  entrypoint: ['/stress', '-logtostderr'],
  cmd: [],
  sizeBytes: 1_558_791,
  *program(os) {
    return yield* vish(os);
  },
  hasExecutable: (name) => name === '/stress' || name === 'stress',
};

// --- hpa-example: Apache with a page that takes a million square roots

const PAGE_CPU: Micros = 60 * MILLISECOND;
const php = toolboxOf(DASH, BASIC_COMMANDS, ['sh', 'bash', 'dash']);

const hpaExample = (repository: string): ImageEntry => ({
  repository,
  tags: anyTag(['latest']),
  entrypoint: [],
  cmd: ['apache2-foreground'],
  exposedPorts: [80],
  sizeBytes: 184_357_346,
  files: { '/var/www/html/index.php': '<?php\n$x = 0.0001;\nfor ($i = 0; $i <= 1000000; $i++) {\n\t$x += sqrt($x);\n}\necho "OK!";\n?>\n' },
  *program(os) {
    if (!(os.argv[0] ?? '').endsWith('apache2-foreground')) return yield* runCommandLine(os, php);
    const signals = os.signals();
    yield* os.sleep(60 * MILLISECOND);
    os.process.footprint(11_800_000, 0.001);
    serveHttp(os, { port: 80 }, function* (request, peer) {
      yield* os.process.compute(PAGE_CPU);
      os.log(`${peer.address} - - [${strftime('%d/%b/%Y:%H:%M:%S +0000', os.sim.epoch + os.sim.now)}] "${request.method} ${request.path} HTTP/1.1" 200 219 "-" "${request.headers['user-agent'] ?? '-'}"`);
      return { status: 200, headers: { 'content-type': 'text/html', server: 'Apache/2.4.10 (Debian)' }, body: 'OK!' };
    });
    os.logError("AH00094: Command line: 'apache2 -D FOREGROUND'");
    yield* signals.receive();
    return 0;
  },
  hasExecutable: hasExecutable(php, ['apache2-foreground', '/usr/local/bin/apache2-foreground']),
});

export const stressImages: readonly ImageEntry[] = [
  polinux,
  vishImage,
  withEntrypoint('docker.io/progrium/stress', 'stress', ['--verbose'], 112_000_000),
  withEntrypoint('docker.io/jess/stress', 'stress', [], 4_900_000),
  withEntrypoint('docker.io/alexeiled/stress-ng', 'stress-ng', [], 4_600_000),
  withEntrypoint('docker.io/colinianking/stress-ng', 'stress-ng', [], 19_000_000),
  withEntrypoint('ghcr.io/colinianking/stress-ng', 'stress-ng', [], 19_000_000),
  withEntrypoint('docker.io/lorel/docker-stress-ng', 'stress-ng', [], 6_100_000),
  withEntrypoint('docker.io/polinux/stress-ng', 'stress-ng', [], 5_000_000),
  withEntrypoint('docker.io/containerstack/alpine-stress', 'stress', [], 5_000_000),
  hpaExample('registry.k8s.io/hpa-example'),
  hpaExample('k8s.gcr.io/hpa-example'),
  hpaExample('gcr.io/google_containers/hpa-example'),
];
