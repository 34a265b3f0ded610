// httpd: Apache with its one page.

import { serveHttp } from '../../network/http.ts';
import { MILLISECOND } from '../../sim/time.ts';
import type { ImageEntry } from '../entry.ts';
import { strftime } from '../shell/applets/system.ts';
import { DASH } from '../shell/shell.ts';
import { serveFiles } from '../static-site.ts';
import { versionedTag } from '../tags.ts';
import { BASIC_COMMANDS, hasExecutable, runCommandLine, toolboxOf } from '../toolbox.ts';

const tools = toolboxOf(DASH, BASIC_COMMANDS, ['sh', 'bash', 'dash']);
const ROOT = '/usr/local/apache2/htdocs';
const NOT_FOUND = '<!DOCTYPE html>\n<html><head>\n<title>404 Not Found</title>\n</head><body>\n<h1>Not Found</h1>\n</body></html>\n';

export const httpdImage: ImageEntry = {
  repository: 'docker.io/library/httpd',
  tags: versionedTag({ patches: new Map([['2.4', 66]]), words: { latest: '2.4.66' }, variants: ['', '-alpine', '-bookworm', '-trixie'] }),
  entrypoint: [],
  cmd: ['httpd-foreground'],
  exposedPorts: [80],
  stopSignal: 'SIGTERM',
  sizeBytes: 45_300_000,
  files: { [`${ROOT}/index.html`]: '<html><body><h1>It works!</h1></body></html>\n', '/tmp/.keep': '' },
  *program(os) {
    const name = (os.argv[0] ?? '').split('/').pop();
    if (name !== 'httpd-foreground' && name !== 'httpd') return yield* runCommandLine(os, tools);
    const note = (text: string): void => os.logError(`[${strftime('%a %b %d %H:%M:%S.%N %Y', os.sim.epoch + os.sim.now).replace(/000 /, ' ')}] ${text}`);
    yield* os.sleep(40 * MILLISECOND);
    const signals = os.signals();
    serveHttp(os, { port: 80 }, function* (request, peer) {
      yield* os.sleep(100);
      const response = serveFiles(os.files, ROOT, request, { server: 'Apache/2.4.66 (Unix)', notFound: NOT_FOUND });
      os.log(`${peer.address} - - [${strftime('%d/%b/%Y:%H:%M:%S +0000', os.sim.epoch + os.sim.now)}] "${request.method} ${request.path} HTTP/1.1" ${response.status} ${String(response.body).length}`);
      return response;
    });
    os.process.footprint(8_000_000, 0.001);
    note('[mpm_event:notice] [pid 1:tid 1] AH00489: Apache/2.4.66 (Unix) configured -- resuming normal operations');
    note("[core:notice] [pid 1:tid 1] AH00094: Command line: 'httpd -D FOREGROUND'");
    yield* signals.receive();
    note('[mpm_event:notice] [pid 1:tid 1] AH00491: caught SIGTERM, shutting down');
    return 0;
  },
  hasExecutable: hasExecutable(tools, ['httpd-foreground', 'httpd', '/usr/local/bin/httpd-foreground']),
};
