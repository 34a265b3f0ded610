// Images that are made when somebody asks for them: servers of the table, mirrors of other images, official images of systems
// and languages, and the stand-in for what nobody described.

import type { ImageCatalogue } from '../catalogue.ts';
import type { Resolved } from '../entry.ts';
import { layersOf } from '../layers.ts';
import { digestOf, type Image } from '../../runtime/registry.ts';
import type { Program } from '../../machine/process.ts';
import { MILLISECOND } from '../../sim/time.ts';
import { isSystemImage, systemImage } from '../entries/systems.ts';
import { assumedProgram, assumedServer, assumingToolbox } from './assumed.ts';
import { mirrorOf } from './mirrors.ts';
import { refusalOf } from './refusal.ts';
import { MEGABYTE, type PlainServer, text } from './server.ts';
import { rowOf, type TableRow } from './table.ts';

/** What the catalogue answers for a name that none of its entries covers. */
export function otherImage(catalogue: ImageCatalogue, repository: string, tag: string): Resolved {
  const original = mirrorOf(repository);
  if (original !== undefined && original !== repository) {
    let found = catalogue.resolve(`${original}:${tag}`);
    // Copies under another name have tags of their own.
    if (found === 'not-found' && refusalOf(repository, tag, () => true) === null) found = catalogue.resolve(`${original}:latest`);
    return typeof found === 'object' ? { ...found, repository, tag } : found;
  }
  const row = rowOf(repository);
  const name = repository.slice(repository.lastIndexOf('/') + 1);
  const refusal = refusalOf(repository, tag, (official) => isSystemImage(official) || rowOf(`docker.io/library/${official}`) !== undefined);
  if (refusal !== null && (row === undefined || refusal === 'not-found')) return refusal;
  if (row !== undefined) return plainImage(row, repository, tag);
  if (repository.startsWith('docker.io/library/') && isSystemImage(name)) return systemImage(name, tag);
  return assumedImage(repository, tag);
}

/** An image of somebody's own registry, for who may have it. */
export function privateImage(repository: string, tag: string): Image {
  const row = rowOf(repository);
  return row === undefined ? assumedImage(repository, tag) : plainImage(row, repository, tag);
}

const FILES = { '/tmp/.keep': '', '/etc/passwd': 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n' };

function common(repository: string, tag: string): Pick<Image, 'repository' | 'tag' | 'digest' | 'sizeBytes' | 'layers' | 'env' | 'files'> {
  const full = `${repository}:${tag}`;
  const sizeBytes = 30_000_000 + (Number.parseInt(digestOf(full).slice(7, 13), 16) % 120_000_000);
  return { repository, tag, digest: digestOf(full), sizeBytes, layers: layersOf(full, sizeBytes), env: {}, files: FILES };
}

function plainImage(row: TableRow, repository: string, tag: string): Image {
  const name = repository.slice(repository.lastIndexOf('/') + 1);
  const server: PlainServer = {
    ports: row.ports,
    listensWhereExpected: true,
    lines: row.lines,
    memoryBytes: row.megabytes * MEGABYTE,
    startup: row.startup * MILLISECOND,
    *answer(os, request) {
      return text(`${name} ${tag} at ${os.env['HOSTNAME'] ?? os.machine.name}: ${request.method} ${request.path}\n`);
    },
  };
  return {
    ...common(repository, tag),
    entrypoint: [`/usr/local/bin/${name}`],
    cmd: [],
    ...(row.user === '' ? {} : { user: row.user }),
    exposedPorts: row.ports,
    annotations: { 'sim.k8s/server': name },
    files: { ...FILES, [`/usr/local/bin/${name}`]: '' },
    program: row.exits === null ? assumedProgram(server, assumingToolbox(server)) : shortProgram(row.exits, row.startup * MILLISECOND),
  };
}

const shortProgram = (code: number, time: number): Program =>
  function* (os) {
    yield* os.sleep(time);
    return code;
  };

function assumedImage(repository: string, tag: string): Image {
  const server = assumedServer(`${repository}:${tag}`, []);
  return {
    ...common(repository, tag),
    entrypoint: ['/entrypoint'],
    cmd: [],
    user: '65532',
    annotations: {
      'sim.k8s/assumed': 'the image is not in the catalogue, so its program is taken for a server on the ports that the Pod declares and probes (80 and 8080 if it names none; answers 200, SERVING), or, where the Pod expects it to end, for a task of 5 s that succeeds',
    },
    program: assumedProgram(server, assumingToolbox(server)),
  };
}
