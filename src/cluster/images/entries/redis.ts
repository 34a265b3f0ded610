// redis: the server with its protocol, and redis-cli.

import type { Os, Program } from '../../machine/process.ts';
import type { Op } from '../../sim/simulation.ts';
import type { ImageEntry } from '../entry.ts';
import { BUSYBOX, DASH } from '../shell/shell.ts';
import { versionedTag } from '../tags.ts';
import { BASIC_COMMANDS, BUSYBOX_COMMANDS, hasExecutable, runCommandLine, toolboxOf } from '../toolbox.ts';
import type { Toolbox } from '../shell/shell.ts';
import { redisCli } from './redis-cli.ts';
import { serveRedis } from './redis-server.ts';

const ENTRYPOINT = 'docker-entrypoint.sh';
const SERVER = 'redis-server';

const PATCHES: readonly (readonly [string, number])[] = [
  ['3.0', 7], ['3.2', 12], ['4.0', 14], ['5.0', 14], ['6.0', 20], ['6.2', 21], ['7.0', 15], ['7.2', 12], ['7.4', 7], ['8.0', 5], ['8.2', 3], ['8.4', 0], ['8.6', 1], ['8.8', 1], ['8.10', 1],
];

function toolsOf(version: string, alpine: boolean): Toolbox {
  const server: Parameters<typeof toolboxOf>[1][string] = ({ os, args }) => serveRedis(os, version, args);
  const own = { 'redis-cli': redisCli(version), [SERVER]: server };
  return alpine ? toolboxOf(BUSYBOX, { ...BUSYBOX_COMMANDS, ...own }) : toolboxOf(DASH, { ...BASIC_COMMANDS, ...own }, ['sh', 'bash', 'dash']);
}

/** The entrypoint puts redis-server before options and configuration files. */
function redisProgram(tag: string): Program {
  const version = tag.split('-')[0] as string;
  const tools = toolsOf(version, tag.includes('alpine'));
  return function* (os: Os): Op<number> {
    let argv = os.argv;
    if (argv[0]?.endsWith(ENTRYPOINT)) argv = argv.slice(1);
    if (argv[0] === undefined || argv[0].startsWith('-') || argv[0].endsWith('.conf')) argv = [SERVER, ...argv];
    // The images of Kubernetes' old guestbook: their run.sh reads the role from the environment.
    if (os.env['SENTINEL'] === 'true' && argv.length === 1) argv = [...argv, '--port', '26379'];
    const name = (argv[0] as string).split('/').pop();
    if (name !== SERVER) return yield* runCommandLine(argv === os.argv ? os : (Object.create(os, { argv: { value: argv } }) as Os), tools);
    if (argv.includes('--version') || argv.includes('-v')) {
      os.log(`Redis server v=${version} sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=0`);
      return 0;
    }
    os.process.exec(argv);
    return yield* serveRedis(os, version, argv.slice(1));
  };
}

export const redisImage: ImageEntry = {
  repository: 'docker.io/library/redis',
  tags: versionedTag({ patches: new Map(PATCHES), words: { latest: '8.4.0' }, variants: ['', '-alpine', '-bookworm', '-trixie', '-bullseye', '-buster'] }),
  entrypoint: [ENTRYPOINT],
  cmd: [SERVER],
  env: (tag) => ({ REDIS_VERSION: tag.split('-')[0] as string }),
  workingDir: '/data',
  exposedPorts: [6379],
  sizeBytes: (tag) => (tag.includes('alpine') ? 27_700_000 : 52_300_000),
  files: { '/data/.keep': '', '/tmp/.keep': '', '/etc/passwd': 'root:x:0:0:root:/root:/bin/bash\nredis:x:999:999::/home/redis:/bin/sh\n' },
  program: redisProgram('8.4.0'),
  programOf: redisProgram,
  hasExecutable: hasExecutable(toolsOf('8.4.0', true), [ENTRYPOINT, `/usr/local/bin/${ENTRYPOINT}`]),
};
