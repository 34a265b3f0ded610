// Which credentials fit which registry: upstream's tables.

import { expect, it } from 'vitest';
import { toBase64 } from '../api/base64.ts';
import type { Secret } from '../api/generated/types.ts';
import { credentialsFor } from './pull-secrets.ts';

const HITS: readonly (readonly [server: string, image: string])[] = [
  ['https://hello.kubernetes.io', 'hello.kubernetes.io'],
  ['https://*.docker.io', 'prefix.docker.io'],
  ['https://prefix.*.io', 'prefix.docker.io'],
  ['https://prefix.docker.*', 'prefix.docker.io'],
  ['https://*.docker.io/path', 'prefix.docker.io/path'],
  ['https://prefix.*.io/path', 'prefix.docker.io/path/subpath'],
  ['https://prefix.docker.*/path', 'prefix.docker.io/path'],
  ['https://*.docker.io:8888', 'prefix.docker.io:8888'],
  ['https://prefix.*.io:8888', 'prefix.docker.io:8888'],
  ['https://prefix.docker.*:8888', 'prefix.docker.io:8888'],
  ['https://*.docker.io/path:1111', 'prefix.docker.io/path:1111'],
  ['https://*.docker.io/v1/', 'prefix.docker.io/path:1111'],
  ['https://*.docker.io/v2/', 'prefix.docker.io/path:1111'],
  ['https://prefix.docker.*/path:1111', 'prefix.docker.io/path:1111'],
  ['prefix.docker.io:1111', 'prefix.docker.io:1111/path'],
  ['*.docker.io:1111', 'prefix.docker.io:1111/path'],
];

const MISSES: readonly (readonly [server: string, image: string])[] = [
  ['https://hello.kubernetes.io', 'world.mesos.org/foo/bar'],
  ['https://*.docker.com', 'prefix.docker.io'],
  ['https://suffix.*.io', 'prefix.docker.io'],
  ['https://prefix.docker.c*', 'prefix.docker.io'],
  ['https://prefix.*.io/path:1111', 'prefix.docker.io/path/subpath:1111'],
  ['suffix.*.io', 'prefix.docker.io'],
];

const MATCHES: readonly (readonly [pattern: string, host: string, fits: boolean])[] = [
  ['*.kubernetes.io', 'prefix.kubernetes.io', true],
  ['prefix.*.io', 'prefix.kubernetes.io', true],
  ['prefix.kubernetes.*', 'prefix.kubernetes.io', true],
  ['*-good.kubernetes.io', 'prefix-good.kubernetes.io', true],
  ['*.kubernetes.io/blah', 'prefix.kubernetes.io/blah', true],
  ['prefix.*.io/foo', 'prefix.kubernetes.io/foo/bar', true],
  ['*.kubernetes.io:1111/blah', 'prefix.kubernetes.io:1111/blah', true],
  ['prefix.*.io:1111/foo', 'prefix.kubernetes.io:1111/foo/bar', true],
  ['*.kubernetes.io', 'kubernetes.io', false],
  ['*.*.kubernetes.io', 'prefix.kubernetes.io', false],
  ['*.*.kubernetes.io', 'kubernetes.io', false],
  ['kubernetes.io', 'kubernetes.com', false],
  ['k*.io', 'quay.io', false],
  ['*.kubernetes.io:1234/blah', 'prefix.kubernetes.io:1111/blah', false],
  ['prefix.*.io/foo', 'prefix.kubernetes.io:1111/foo/bar', false],
];

function secretFor(server: string): Secret {
  const config = JSON.stringify({ auths: { [server]: { auth: toBase64('foo:bar') } } });
  return { kind: 'Secret', type: 'kubernetes.io/dockerconfigjson', metadata: {}, data: { '.dockerconfigjson': toBase64(config) } } as Secret;
}

const found = (server: string, image: string): boolean => credentialsFor(`${image}/foo/bar`, [secretFor(server)]).some((a) => a.username === 'foo' && a.password === 'bar');

it(`finds credentials: ${HITS.length} cases of upstream's TestDockerKeyringForGlob`, () => {
  for (const [server, image] of HITS) expect([server, image, found(server, image)]).toEqual([server, image, true]);
});

it(`finds none: ${MISSES.length} cases of upstream's TestKeyringMiss`, () => {
  for (const [server, image] of MISSES) expect([server, image, found(server, image)]).toEqual([server, image, false]);
});

it(`compares servers: ${MATCHES.length} cases of upstream's TestUrlsMatch`, () => {
  for (const [pattern, host, fits] of MATCHES) expect([pattern, host, found(pattern, host)]).toEqual([pattern, host, fits]);
});

it("takes Docker Hub's names for one: 3 cases of upstream's TestKeyringHit…DockerHub", () => {
  for (const repository of ['docker.io/google/docker-registry', 'docker.io/library/jenkins']) {
    expect(credentialsFor(repository, [secretFor('https://index.docker.io/v1/')])).toHaveLength(1);
  }
  expect(credentialsFor('world.mesos.org/foo/bar', [secretFor('https://index.docker.io/v1/')])).toHaveLength(0);
});
