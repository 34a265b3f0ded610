// Official images of Linux distributions and of languages. Without a command they end at once, for want of input. A distribution
// has its commands and what its package manager brings; in a language's image foreign programs are assumed to be there.

import { SECOND } from '../../sim/time.ts';
import { digestOf, type Image } from '../../runtime/registry.ts';
import { layersOf } from '../layers.ts';
import { assumedProgram, assumedServer, assumingToolbox } from '../plain/assumed.ts';
import type { Applet } from '../shell/applet.ts';
import { INTERPRETERS } from '../shell/applets/languages.ts';
import { BIND_APPLETS } from '../shell/applets/bind-tools.ts';
import { CURL_APPLETS, NET_APPLETS } from '../shell/applets/net.ts';
import { BASH, DASH, type Toolbox } from '../shell/shell.ts';
import { BASIC_COMMANDS, commandProgram, hasExecutable, toolboxOf } from '../toolbox.ts';

const DISTRIBUTIONS: Readonly<Record<string, string>> = {
  almalinux: 'dnf', amazonlinux: 'dnf', archlinux: 'pacman', centos: 'yum', clearlinux: 'swupd', debian: 'apt-get', fedora: 'dnf', opensuse: 'zypper', oraclelinux: 'dnf', photon: 'tdnf', rockylinux: 'dnf', ubuntu: 'apt-get',
};
const LANGUAGES: Readonly<Record<string, string>> = {
  buildpack_deps: 'bash', 'buildpack-deps': 'bash', composer: 'bash', 'eclipse-temurin': 'jshell', elixir: 'iex', erlang: 'erl', gcc: 'bash', golang: 'bash', gradle: 'bash', groovy: 'groovysh', haskell: 'ghci', java: 'bash', jruby: 'irb',
  julia: 'julia', maven: 'mvn', node: 'node', openjdk: 'jshell', perl: 'perl', php: 'php', pypy: 'pypy3', python: 'python3', 'r-base': 'R', rails: 'bash', ruby: 'irb', rust: 'bash', sapmachine: 'jshell', swift: 'bash', tomee: 'catalina.sh',
};

export const isSystemImage = (name: string): boolean => DISTRIBUTIONS[name] !== undefined || LANGUAGES[name] !== undefined;

const BIND = ['nslookup', 'dig', 'host'];

/** Commands by the package that holds them. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  curl: ['curl'], wget: ['wget'], dnsutils: BIND, 'bind9-dnsutils': BIND, 'bind-utils': BIND, 'bind-tools': BIND, 'bind9-host': ['host'], 'iputils-ping': ['ping'], iputils: ['ping'],
  netcat: ['nc'], 'netcat-openbsd': ['nc'], 'netcat-traditional': ['nc'], ncat: ['nc'], nmap: ['nc'],
};
const INSTALLABLE: ReadonlyMap<string, Applet> = new Map(Object.entries({ ...NET_APPLETS, ...CURL_APPLETS, ...BIND_APPLETS }));

/** A package manager: takes its time, and puts the commands there. */
const packageManager: Applet = function* (c) {
  const words = c.args.filter((arg) => !arg.startsWith('-'));
  yield* c.os.sleep(3 * SECOND);
  if (words[0] !== 'install' && words[0] !== 'add') return 0;
  for (const name of words.slice(1)) {
    for (const command of PACKAGES[name] ?? [name]) c.os.files.write(`/usr/bin/${command}`, '', 0o755);
  }
  return 0;
};
export const PACKAGE_MANAGERS: Readonly<Record<string, Applet>> = Object.fromEntries(['apt', 'apt-get', 'apk', 'yum', 'dnf', 'microdnf', 'zypper', 'tdnf'].map((name) => [name, packageManager]));

const distributionTools: Toolbox = toolboxOf(BASH, { ...BASIC_COMMANDS, ...PACKAGE_MANAGERS }, ['sh', 'bash'], { installable: INSTALLABLE });
const debianTools: Toolbox = toolboxOf(DASH, { ...BASIC_COMMANDS, ...PACKAGE_MANAGERS }, ['sh', 'bash', 'dash'], { installable: INSTALLABLE });

const FILES: Readonly<Record<string, string>> = {
  '/tmp/.keep': '', '/usr/bin/.keep': '', '/root/.keep': '', '/home/.keep': '', '/opt/.keep': '', '/var/log/.keep': '',
  '/etc/passwd': 'root:x:0:0:root:/root:/bin/bash\nwww-data:x:33:33:www-data:/var/www:/usr/sbin/nologin\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n',
};

export function systemImage(name: string, tag: string): Image {
  const repository = `docker.io/library/${name}`;
  const full = `${repository}:${tag}`;
  const slim = /slim|alpine/.test(tag);
  const language = LANGUAGES[name];
  const sizeBytes = Math.round((language === undefined ? 29_700_000 : 340_000_000) * (slim ? 0.2 : 1));
  const base = { repository, tag, digest: digestOf(full), sizeBytes, layers: layersOf(full, sizeBytes), env: {}, entrypoint: [] };
  if (language === undefined) {
    const tools = name === 'debian' || name === 'ubuntu' ? debianTools : distributionTools;
    const release = `NAME="${name}"\nID=${name}\nPRETTY_NAME="${name} ${tag}"\n`;
    return { ...base, cmd: ['/bin/bash'], files: { ...FILES, '/etc/os-release': release }, program: commandProgram(tools), hasExecutable: hasExecutable(tools) };
  }
  const server = assumedServer(full, []);
  const tools = assumingToolbox(server, { ...INTERPRETERS, ...PACKAGE_MANAGERS });
  return {
    ...base,
    cmd: [language],
    files: FILES,
    annotations: { 'sim.k8s/server': name },
    program: assumedProgram(server, tools),
  };
}
