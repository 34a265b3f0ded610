// Interpreters of languages, as far as manifests use them in one line: python and node and perl with a small program in the
// command line, python's file server. A program in a file is a server that nobody described.

import { serveHttp } from '../../../network/http.ts';
import { belongsToInit } from '../../../runtime/container-hints.ts';
import { type Applet, type AppletContext, AppletError } from '../applet.ts';
import { resolvePath } from '../shell.ts';
import { readAll } from '../streams.ts';
import { strftime } from './system.ts';
import { page, serveFiles } from '../../static-site.ts';
import { runPython, PythonError } from '../python.ts';
import { perlPi } from '../pi.ts';
import { assumedServer, behave } from '../../plain/assumed.ts';
import type { Op } from '../../../sim/simulation.ts';
import type { Os } from '../../../machine/process.ts';

const VERSION = '3.13.9';

const python: Applet = function* (c) {
  const { args } = c;
  if (args[0] === '--version' || args[0] === '-V') return yield* say(c, `Python ${VERSION}`);
  let i = 0;
  while (['-u', '-B', '-O', '-E', '-s'].includes(args[i] ?? '')) i++;
  const first = args[i];
  if (first === '-c') return yield* runInline(c, args[i + 1] ?? '', args.slice(i + 2));
  if (first === '-m') return yield* runModule(c, args[i + 1] ?? '', args.slice(i + 2));
  if (first === undefined || first === '-') return yield* runInline(c, yield* readAll(c.stdin), []);
  const path = resolvePath(c.cwd, first);
  if (!c.os.files.exists(path)) throw new AppletError(`can't open file '${path}': [Errno 2] No such file or directory`, 2);
  return yield* runInline(c, c.os.files.read(path), args.slice(i + 1));
};

function* say(c: AppletContext, line: string): Op<number> {
  yield* c.stdout.write(`${line}\n`);
  return 0;
}

/** What our Python does not understand is taken for a server. */
function* runInline(c: AppletContext, source: string, args: readonly string[]): Op<number> {
  try {
    return yield* runPython(c, source, args);
  } catch (error) {
    if (!(error instanceof PythonError)) throw error;
    if (error.kind !== 'unknown') {
      yield* c.stderr.write(`Traceback (most recent call last):\n  File "<string>", line ${error.line}, in <module>\n${error.message}\n`);
      return 1;
    }
    return yield* standIn(c, 'a program in Python');
  }
}

/** A program that cannot be understood: what the container was started for, or a command beside it. */
function* standIn(c: AppletContext, what: string): Op<number> {
  const os = Object.create(c.os, { argv: { value: [c.name, ...c.args] } }) as Os;
  if (belongsToInit(c.os.process)) return yield* behave(os, assumedServer(what, []));
  return 0;
}

function* runModule(c: AppletContext, module: string, args: readonly string[]): Op<number> {
  if (module !== 'http.server' && module !== 'SimpleHTTPServer') return yield* standIn(c, `python -m ${module}`);
  const numbers = args.filter((arg) => /^\d+$/.test(arg));
  const directory = args.includes('-d') ? (args[args.indexOf('-d') + 1] ?? '.') : args.includes('--directory') ? (args[args.indexOf('--directory') + 1] ?? '.') : '.';
  const port = Number(numbers[0] ?? 8000);
  const root = resolvePath(c.cwd, directory);
  const { os } = c;
  const signals = os.signals();
  serveHttp(os, { port }, function* (request, peer) {
    yield* os.sleep(300);
    const server = `SimpleHTTP/0.6 Python/${VERSION}`;
    const listing = root + (request.path === '/' ? '' : request.path);
    const isListing = os.files.isDirectory(listing) && !os.files.exists(`${listing}/index.html`);
    const response = isListing ? page(200, directoryPage(request.path, os.files.list(listing)), server, 'text/html; charset=utf-8') : serveFiles(os.files, root, request, { server, notFound: NOT_FOUND });
    os.logError(`${peer.address} - - [${strftime('%d/%b/%Y %T', os.sim.epoch + os.sim.now)}] "${request.method} ${request.path} HTTP/1.1" ${response.status} -`);
    return response;
  });
  yield* c.stdout.write(`Serving HTTP on 0.0.0.0 port ${port} (http://0.0.0.0:${port}/) ...\n`);
  c.stdout.flush();
  yield* signals.receive();
  return 143;
}

const NOT_FOUND = '<!DOCTYPE HTML>\n<html lang="en">\n    <head>\n        <title>Error response</title>\n    </head>\n    <body>\n        <h1>Error response</h1>\n        <p>Error code: 404</p>\n        <p>Message: File not found.</p>\n    </body>\n</html>\n';

function directoryPage(path: string, names: readonly string[]): string {
  const items = names.map((name) => `<li><a href="${name}">${name}</a></li>`).join('\n');
  return `<!DOCTYPE HTML>\n<html lang="en">\n<head>\n<title>Directory listing for ${path}</title>\n</head>\n<body>\n<h1>Directory listing for ${path}</h1>\n<hr>\n<ul>\n${items}\n</ul>\n<hr>\n</body>\n</html>\n`;
}

const perl: Applet = function* (c) {
  const digits = perlPi(c.args);
  if (digits !== null) {
    yield* c.os.process.compute(6_000_000);
    yield* c.stdout.write(`${digits}\n`);
    return 0;
  }
  if (c.args.includes('-v')) return yield* say(c, '\nThis is perl 5, version 42, subversion 0 (v5.42.0) built for x86_64-linux-gnu');
  const at = c.args.findIndex((arg) => /^-\w*e$/.test(arg));
  const m = at < 0 ? null : /^\s*print\s+"((?:[^"\\]|\\.)*)";?\s*$/.exec(c.args[at + 1] ?? '');
  if (m) {
    yield* c.stdout.write((m[1] as string).replaceAll('\\n', '\n'));
    return 0;
  }
  return c.args.length === 0 ? 0 : yield* standIn(c, 'a program in Perl');
};

const node: Applet = function* (c) {
  if (c.args[0] === '--version' || c.args[0] === '-v') return yield* say(c, 'v24.11.0');
  if (c.args.length === 0) return 0;
  const at = c.args.findIndex((arg) => arg === '-e' || arg === '--eval');
  const m = at < 0 ? null : /^\s*console\.log\((['"`])(.*)\1\);?\s*$/.exec(c.args[at + 1] ?? '');
  if (m) return yield* say(c, m[2] as string);
  const script = at < 0 ? c.args.find((arg) => !arg.startsWith('-')) : undefined;
  if (script !== undefined && !script.includes('node_modules') && c.cwd === '/' && !c.os.files.exists(resolvePath(c.cwd, script))) {
    yield* c.stderr.write(`node:internal/modules/cjs/loader:1386\n  throw err;\n  ^\n\nError: Cannot find module '${resolvePath(c.cwd, script)}'\n`);
    return 1;
  }
  return yield* standIn(c, 'a program for Node.js');
};

export const INTERPRETERS: Readonly<Record<string, Applet>> = { python, python3: python, 'python2': python, perl, node };
