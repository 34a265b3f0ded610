// kuard, the demo of "Kubernetes: Up and Running": a page, health checks that can be made to fail, and work that ends.

import type { Program } from '../../machine/process.ts';
import { SECOND } from '../../sim/time.ts';
import { json, MEGABYTE, servePlainly, STARTUP, text } from '../plain/server.ts';
import { strftime } from '../shell/applets/system.ts';

export const kuard: Program = function* (os) {
  const value = (flag: string): string | undefined => os.argv.find((arg) => arg.replace(/^--/, '').startsWith(`${flag}=`))?.split('=').slice(1).join('=');
  const has = (flag: string): boolean => os.argv.includes(`--${flag}`) || value(flag) === 'true' || os.env[flag.toUpperCase().replaceAll('-', '_')] === 'true';
  const log = (line: string): void => os.log(`${strftime('%Y/%m/%d %H:%M:%S', os.sim.epoch + os.sim.now)} ${line}`);
  log('Starting kuard version: v0.10.0-blue');
  log('**********************************************************************');
  log('* WARNING: This server may expose sensitive');
  log('* and secret information. Be careful.');
  log('**********************************************************************');
  if (has('keygen-enable')) {
    const count = Number(value('keygen-num-to-gen') ?? 0);
    const queue = value('keygen-memq-server');
    os.go('keygen', function* () {
      for (let i = 1; count === 0 || i <= count; i++) {
        if (queue !== undefined) {
          // The queue of the book is filled by hand; one that is empty or away has no work.
          yield* os.sleep(SECOND);
          log(`(ID 0) Error calling memq ${queue}: no work`);
          if (i >= 3) break;
          continue;
        }
        yield* os.process.compute(1.2 * SECOND);
        log(`(ID 0 ${i}/${count}) Item done: SHA256:${os.sim.random(`kuard/${os.place}/${i}`).uint32().toString(16).padStart(8, '0')}`);
      }
      log('(ID 0) Workload exiting');
      if (has('keygen-exit-on-complete')) yield* os.exit(Number(value('keygen-exit-code') ?? 0));
    });
  }
  const failing = new Map<string, boolean>();
  return yield* servePlainly(os, {
    ports: [8080], listensWhereExpected: false, lines: [], memoryBytes: 6 * MEGABYTE, startup: STARTUP,
    *answer(_os, request, peer) {
      log(`${peer.address}:${peer.port} ${request.method} ${request.path}`);
      const probe = request.path.slice(1);
      if (probe === 'healthy' || probe === 'ready') return failing.get(probe) ? text('fail', 500) : text('ok');
      const set = /^\/(healthy|ready)\/api$/.exec(request.path);
      if (set && request.method === 'PUT') {
        const body = typeof request.body === 'string' ? (JSON.parse(request.body) as { failNext?: number }) : (request.body as { failNext?: number });
        failing.set(set[1] as string, (body.failNext ?? 0) !== 0);
        return json({});
      }
      if (request.path === '/env/api') return json({ commandLine: os.argv, env: os.env });
      return text(`<html><head><title>KUAR Demo</title></head><body>kuard at ${os.env['HOSTNAME'] ?? ''}, version v0.10.0-blue</body></html>\n`, 200, 'text/html');
    },
  });
};
