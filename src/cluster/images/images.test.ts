// Containers talking to each other over the modelled network, and which images exist.

import { describe, expect, it } from 'vitest';
import { Files } from '../machine/files.ts';
import type { Process } from '../machine/process.ts';
import { serveDns } from '../network/dns.ts';
import { type Pod, Testbed } from '../network/testbed.ts';
import type { Image } from '../runtime/registry.ts';
import { MILLISECOND, SECOND } from '../sim/time.ts';
import { ImageCatalogue } from './catalogue.ts';
import { stockEverydayImages } from './everyday.ts';

const catalogue = new ImageCatalogue();
stockEverydayImages(catalogue);
const image = (reference: string): Image => catalogue.resolve(reference) as Image;

interface Started {
  readonly process: Process;
  readonly lines: string[];
  readonly files: Files;
}

/** Starts a container as containerd does. */
function start(bed: Testbed, pod: Pod, reference: string, command: readonly string[] = [], files: Readonly<Record<string, string>> = {}): Started {
  const from = image(reference);
  const lines: string[] = [];
  const root = new Files(bed.sim);
  for (const [path, text] of Object.entries({ ...from.files, ...files })) root.write(path, text);
  const process = pod.netns.machine.spawn(from.program, {
    argv: command.length > 0 ? command : [...from.entrypoint, ...from.cmd],
    env: { HOSTNAME: 'pod', ...from.env },
    files: root,
    netns: pod.netns,
    isolatePids: true,
    logs: { write: (_, line) => void lines.push(line) },
  });
  return { process, lines, files: root };
}

/** Two nodes, nginx on one, a name server that knows it. */
function web(): { bed: Testbed; server: Pod; client: Pod; nginx: Started; resolv: Readonly<Record<string, string>> } {
  const bed = new Testbed(2);
  const [a, b] = bed.nodes as [Testbed['nodes'][0], Testbed['nodes'][0]];
  const [server, client, dns] = [bed.pod(a), bed.pod(b), bed.pod(b)];
  bed.run(dns.netns, 'coredns', function* (os) {
    serveDns(os, 53, function* ({ id, question }) {
      yield* os.sleep(50);
      const known = question.name === 'web.default.svc.cluster.local';
      const answers = known && question.type === 'A' ? [{ name: question.name, type: 'A' as const, ttl: 30, data: server.address }] : [];
      return { id, question, code: known ? ('NOERROR' as const) : ('NXDOMAIN' as const), authoritative: true, answers, authority: [], additional: [] };
    });
    yield* os.sleep(3600 * SECOND);
  });
  const resolv = { '/etc/resolv.conf': `search default.svc.cluster.local svc.cluster.local cluster.local\nnameserver ${dns.address}\noptions ndots:5\n` };
  return { bed, server, client, nginx: start(bed, server, 'nginx:1.27'), resolv };
}

describe('nginx', () => {
  it('is asked by name in a loop, line by line', () => {
    const { bed, client, nginx, resolv } = web();
    bed.sim.runUntil(500 * MILLISECOND);
    const busybox = start(bed, client, 'busybox', ['sh', '-c', 'while true; do wget -qO- http://web | grep -o "Welcome to nginx!" | head -1; sleep 1; done'], resolv);
    bed.sim.runUntil(3 * SECOND);
    expect(busybox.lines).toEqual(['Welcome to nginx!', 'Welcome to nginx!', 'Welcome to nginx!']);
    expect(nginx.lines[0]).toBe('/docker-entrypoint.sh: /docker-entrypoint.d/ is not empty, will attempt to perform configuration');
    expect(nginx.lines.filter((line) => /^10\.244\.1\.\d+ - - \[04\/May\/2026:01:00:0\d \+0000\] "GET \/ HTTP\/1\.1" 200 \d+ "-" "Wget" "-"$/.test(line))).toHaveLength(3);
  });
  it('serves mounted files, a 404, and a mounted configuration', () => {
    const { bed, client, server, nginx } = web();
    nginx.files.write('/usr/share/nginx/html/index.html', 'mine\n');
    bed.sim.runUntil(500 * MILLISECOND);
    const url = `http://${server.address}`;
    const a = start(bed, client, 'busybox', ['sh', '-c', `wget -qO- ${url}; wget -qO- ${url}/nope; wget -qO- ${url}:81`]);
    bed.sim.runUntil(2 * SECOND);
    expect(a.lines).toEqual(['mine', 'wget: server returned error: HTTP/1.1 404 Not Found', `wget: can't connect to remote host (${server.address}): Connection refused`]);
    const other = bed.pod(bed.nodes[0] as Testbed['nodes'][0]);
    start(bed, other, 'nginx:alpine', [], { '/etc/nginx/conf.d/default.conf': 'server {\n listen 8080;\n location / { return 200 "hi from $hostname\\n"; }\n}\n' });
    bed.sim.runUntil(3 * SECOND);
    const b = start(bed, client, 'curlimages/curl', ['curl', '-s', '-w', '%{http_code}\n', `http://${other.address}:8080/x`]);
    bed.sim.runUntil(4 * SECOND);
    expect(b.lines).toEqual(['hi from pod', '200']);
  });
  it('ends at once on SIGQUIT and on SIGTERM, and refuses a bad configuration', () => {
    const { bed, nginx, server } = web();
    bed.sim.runUntil(SECOND);
    nginx.process.kill('SIGQUIT');
    const bad = start(bed, server, 'nginx', [], { '/etc/nginx/conf.d/default.conf': 'server {\n listen 80\n}\n' });
    bed.sim.runUntil(2 * SECOND);
    expect([nginx.process.status?.code, bad.process.status?.code]).toEqual([0, 1]);
    expect(bad.lines.at(-1)).toBe('nginx: [emerg] directive "listen" is not terminated by ";" in /etc/nginx/conf.d/default.conf:2');
  });
  it('runs other commands of the image', () => {
    const { bed, client } = web();
    const { lines, process } = start(bed, client, 'nginx', ['/docker-entrypoint.sh', 'sh', '-c', 'echo "$NGINX_VERSION"; foo']);
    bed.sim.runUntil(SECOND);
    expect([lines, process.status?.code]).toEqual([['1.29.8', 'sh: 1: foo: not found'], 127]);
  });
});

describe('names', () => {
  it('nslookup tells each search domain, as busybox does; wget a bad address', () => {
    const { bed, client, resolv } = web();
    const { lines } = start(bed, client, 'busybox', ['sh', '-c', 'sleep 1; nslookup web | grep -v "^$"; wget -T 3 -qO- http://nobody; nc -z web 80 && echo open; ping -c 1 web | tail -1'], resolv);
    bed.sim.runUntil(10 * SECOND);
    expect(lines.slice(2)).toEqual([
      'Name:\tweb.default.svc.cluster.local',
      expect.stringMatching(/^Address: 10\.244\.0\.\d+$/),
      // A for each domain, then AAAA.
      "** server can't find web.svc.cluster.local: NXDOMAIN",
      "** server can't find web.cluster.local: NXDOMAIN",
      "** server can't find web.svc.cluster.local: NXDOMAIN",
      "** server can't find web.cluster.local: NXDOMAIN",
      "wget: bad address 'nobody'",
      'open',
      expect.stringMatching(/^round-trip min\/avg\/max = /),
    ]);
  });
});

describe('which images exist', () => {
  it.each([
    ['nginx', 'latest'], ['nginx:1.27-alpine', '1.27-alpine'], ['nginx:stable', 'stable'], ['nginx:1.14.2', '1.14.2'], ['nginx:alpine', 'alpine'], ['nginx:mainline-alpine', 'mainline-alpine'],
    ['busybox:1.28', '1.28'], ['busybox:musl', 'musl'], ['busybox:1.36.1', '1.36.1'], ['registry.k8s.io/pause:3.10.1', '3.10.1'], ['hello-world', 'latest'],
    ['mysql:8', '8'], ['postgres:17-alpine', '17-alpine'], ['k8s.gcr.io/busybox', 'latest'], ['registry.k8s.io/nginx-slim:0.8', '0.8'], ['rabbitmq:3-management', '3-management'], ['gcr.io/google-samples/hello-app:1.0', '1.0'], ['bitnami/redis', 'latest'],
  ])('%s', (reference, tag) => expect(image(reference).tag).toBe(tag));
  it.each([
    ['nginx:1.99-typo', 'not-found'], ['nginx:1.27.99', 'not-found'], ['busybox:2', 'not-found'], ['my-app', 'unauthorized'], ['ngnix', 'unauthorized'],
    ['yourname/app:v1', 'unauthorized'], ['registry.example.com/app:1', 'unreachable'], ['me.azurecr.io/app:1', 'unauthorized'], ['mysql:does-not-exist', 'not-found'], ['not valid!', 'not-found'],
  ])('%s does not', (reference, answer) => expect(catalogue.resolve(reference)).toBe(answer));
  it('tags of one version share a digest, and the digest resolves', () => {
    expect(image('nginx').digest).toBe(image('nginx:1.29.8').digest);
    expect(image('nginx').digest).not.toBe(image('nginx:1.28').digest);
    expect(image('nginx')).toBe(image('docker.io/library/nginx:latest'));
    expect(image(`nginx@${image('nginx:1.28').digest}`).digest).toBe(image('nginx:1.28').digest);
  });
  it('a stand-in says what it is, and the image says that it is one', () => {
    const bed = new Testbed(1);
    const { lines } = start(bed, bed.pod(bed.nodes[0] as Testbed['nodes'][0]), 'acme/checkout:3', ['/checkout', '--http-port=7070']);
    bed.sim.runUntil(3 * SECOND);
    expect(image('acme/checkout:3').annotations).toHaveProperty('sim.k8s/assumed');
    expect(lines).toEqual([]);
  });
});
