// Files: layers, mounts, links, watches; a property test of copy-on-write against a plain map.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Simulation } from '../sim/simulation.ts';
import { FileError, Files } from './files.ts';

const sim = new Simulation();
const code = (act: () => unknown): string => {
  try {
    act();
    return 'fine';
  } catch (error) {
    return error instanceof FileError ? error.message : String(error);
  }
};

test('reading, writing, listing, and the errors as Go prints them', () => {
  const f = new Files(sim);
  f.write('/etc/kubernetes/manifests/etcd.yaml', 'a');
  f.append('/etc/kubernetes/manifests/etcd.yaml', 'b');
  f.mkdir('/etc/cni/net.d');
  expect(f.read('/etc/kubernetes/./manifests/../manifests//etcd.yaml')).toBe('ab');
  expect(f.list('/etc')).toEqual(['cni', 'kubernetes']);
  expect(f.isDirectory('/etc/cni')).toBe(true);
  expect(f.exists('/etc/cni/net.d/10-flannel.conflist')).toBe(false);
  expect(f.exists('/etc/kubernetes/manifests/etcd.yaml/x')).toBe(false);
  expect(code(() => f.read('/nope'))).toBe('open /nope: no such file or directory');
  expect(code(() => f.read('/no/pe'))).toBe('open /no/pe: no such file or directory');
  expect(code(() => f.read('/etc'))).toBe('read /etc: is a directory');
  expect(code(() => f.write('/etc', ''))).toBe('open /etc: is a directory');
  expect(code(() => f.list('/etc/kubernetes/manifests/etcd.yaml'))).toBe('readdirent /etc/kubernetes/manifests/etcd.yaml: not a directory');
  expect(code(() => f.remove('/nope'))).toBe('remove /nope: no such file or directory');
  f.remove('/etc/kubernetes');
  expect(f.list('/etc')).toEqual(['cni']);
});

test('links: the kubelet swaps ..data in one step', () => {
  const f = new Files(sim);
  f.write('/v/..2026_1/token', 'one');
  f.symlink('..2026_1', '/v/..data');
  f.symlink('..data/token', '/v/token');
  expect(f.read('/v/token')).toBe('one');
  f.write('/v/..2026_2/token', 'two');
  f.symlink('..2026_2', '/v/..data_tmp');
  f.rename('/v/..data_tmp', '/v/..data');
  f.remove('/v/..2026_1');
  expect(f.read('/v/token')).toBe('two');
  expect(f.readlink('/v/..data')).toBe('..2026_2');
  f.symlink('/loop/b', '/loop/a');
  f.symlink('/loop/a', '/loop/b');
  expect(code(() => f.read('/loop/a'))).toBe('open /loop/a: too many levels of symbolic links');
});

test('a container: image layer, volumes, a file of the host; each sees what it should', () => {
  const image = new Files(sim);
  image.write('/usr/share/nginx/html/index.html', 'welcome');
  image.write('/etc/nginx/nginx.conf', 'conf');
  const host = new Files(sim);
  host.write('/var/lib/kubelet/pods/1/volumes/config/..data_1/key', 'value');
  host.symlink('..data_1', '/var/lib/kubelet/pods/1/volumes/config/..data');
  host.symlink('..data/key', '/var/lib/kubelet/pods/1/volumes/config/key');
  host.mkdir('/var/lib/kubelet/pods/1/volumes/empty');
  host.write('/var/lib/kubelet/pods/1/etc-hosts', 'hosts');
  const [a, b] = [Files.overlay(image), Files.overlay(image)];
  a.mount('/config', host, '/var/lib/kubelet/pods/1/volumes/config', true);
  for (const c of [a, b]) c.mount('/cache/deep', host, '/var/lib/kubelet/pods/1/volumes/empty');
  a.mount('/etc/hosts', host, '/var/lib/kubelet/pods/1/etc-hosts');

  expect(a.read('/config/key')).toBe('value');
  expect(code(() => a.write('/config/x', ''))).toBe('open /config/x: read-only file system');
  expect(code(() => a.write('/config/x/y', ''))).toBe('open /config/x/y: read-only file system');
  expect(code(() => a.remove('/config/key'))).toBe('remove /config/key: read-only file system');
  expect(code(() => a.remove('/config'))).toContain('device or resource busy');
  a.write('/cache/deep/shared', 'hello');
  expect(b.read('/cache/deep/shared')).toBe('hello');
  expect(host.read('/var/lib/kubelet/pods/1/volumes/empty/shared')).toBe('hello');
  expect(b.list('/cache')).toEqual(['deep']);
  a.write('/usr/share/nginx/html/index.html', 'changed');
  a.remove('/etc/nginx/nginx.conf');
  expect([b.read('/usr/share/nginx/html/index.html'), image.read('/usr/share/nginx/html/index.html')]).toEqual(['welcome', 'welcome']);
  expect(b.read('/etc/nginx/nginx.conf')).toBe('conf');
  a.write('/etc/hosts', 'mine');
  expect(host.read('/var/lib/kubelet/pods/1/etc-hosts')).toBe('mine');
  expect(b.exists('/etc/hosts')).toBe(false);

  // A mount keeps the directory that it was given, whatever takes its name.
  host.remove('/var/lib/kubelet/pods/1/volumes/empty');
  expect(b.read('/cache/deep/shared')).toBe('hello');

  // A container that mounts the host's root sees the host's mounts, too.
  const tmpfs = new Files(sim);
  tmpfs.write('/ca.crt', 'cert');
  host.mount('/var/lib/kubelet/pods/1/volumes/token', tmpfs, '/');
  const debug = new Files(sim);
  debug.mount('/host', host, '/');
  expect(debug.read('/host/var/lib/kubelet/pods/1/volumes/token/ca.crt')).toBe('cert');
});

test('watches: a directory, a file, through a mount', () => {
  const host = new Files(sim);
  host.mkdir('/etc/kubernetes/manifests');
  host.write('/log', '');
  const c = new Files(sim);
  c.mount('/m', host, '/etc/kubernetes/manifests');
  const [direct, mounted, file] = [host.watch('/etc/kubernetes/manifests'), c.watch('/m'), host.watch('/log')];
  host.write('/etc/kubernetes/manifests/a.yaml', '1');
  c.write('/m/a.yaml', '2');
  host.append('/log', 'x');
  host.remove('/etc/kubernetes/manifests/a.yaml');
  const drain = (w: typeof direct): string[] => Array.from({ length: w.length }, () => w.tryReceive()).map((e) => `${e?.op} ${e?.path}`);
  expect(drain(direct)).toEqual(['create', 'write', 'remove'].map((op) => `${op} /etc/kubernetes/manifests/a.yaml`));
  expect(drain(mounted)).toEqual(['create', 'write', 'remove'].map((op) => `${op} /m/a.yaml`));
  expect(drain(file)).toEqual(['write /log']);
});

test('any order of writes and overlays behaves as separate copies would', () => {
  const path = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 3 }).map((p) => `/${p.join('/')}`);
  const step = fc.oneof(
    fc.record({ kind: fc.constant('write' as const), tree: fc.nat(5), path, text: fc.string({ maxLength: 3 }) }),
    fc.record({ kind: fc.constant('remove' as const), tree: fc.nat(5), path }),
    fc.record({ kind: fc.constant('overlay' as const), tree: fc.nat(5) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const trees = [{ files: new Files(sim), plain: new Map<string, string>() }];
      for (const s of steps) {
        const tree = trees[s.tree % trees.length] as (typeof trees)[number];
        if (s.kind === 'overlay') {
          trees.push({ files: Files.overlay(tree.files), plain: new Map(tree.plain) });
        } else if (s.kind === 'write') {
          if (code(() => tree.files.write(s.path, s.text)) === 'fine') tree.plain.set(s.path, s.text);
        } else if (code(() => tree.files.remove(s.path)) === 'fine') {
          for (const p of [...tree.plain.keys()]) if (p === s.path || p.startsWith(`${s.path}/`)) tree.plain.delete(p);
        }
      }
      for (const { files, plain } of trees) {
        const found = new Map<string, string>();
        const visit = (dir: string): void => {
          for (const name of files.list(dir === '' ? '/' : dir)) {
            const p = `${dir}/${name}`;
            if (files.isDirectory(p)) visit(p);
            else found.set(p, files.read(p));
          }
        };
        visit('');
        expect([...found].sort()).toEqual([...plain].sort());
      }
    }),
    { numRuns: 60 },
  );
});
