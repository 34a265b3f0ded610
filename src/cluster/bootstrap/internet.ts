// What lies behind the default gateway: a router with the range for documentation (RFC 5737) behind it, where every host answers ping and
// serves a page, and tells those who ask from which address they come. It is made when the first packet asks for the gateway.

import { Machine } from '../machine/machine.ts';
import type { Os } from '../machine/process.ts';
import { type HttpHandler, type HttpResponse, serveHttp } from '../network/http.ts';
import type { Netns } from '../network/netns.ts';
import { plugIn, type Switch } from '../network/switch.ts';
import type { Op, Simulation } from '../sim/simulation.ts';
import { MILLISECOND } from '../sim/time.ts';

/** One way; half of it is the other machine's cable's. */
const LATENCY = 20 * MILLISECOND;
const HOSTS = 254;
/** They answer with the client's address. */
const WHO_AM_I = /^(ifconfig\.(me|co|io)|icanhazip\.com|api\.ipify\.org|ipinfo\.io|checkip\.amazonaws\.com)$/;

const page = (host: string): string => `<!doctype html><html lang="en"><head><title>Example Domain</title></head><body><h1>${host}</h1><p>This domain is for use in documentation examples without needing permission.</p></body></html>\n`;

/** Makes the machine; `address` is the gateway's, with the prefix. */
export function makeInternet(sim: Simulation, network: Switch, address: string): void {
  const machine = new Machine(sim, { name: 'internet', cpus: 1, memoryBytes: 1024 ** 3 });
  const netns = plugIn(machine, network, { address, latency: LATENCY });
  machine.powerOn();
  const eth0 = netns.interfaces.get('eth0');
  if (eth0 === undefined) return;
  for (let n = 1; n <= HOSTS; n++) netns.setLocal(`203.0.113.${n}`, eth0);
  machine.spawn(serve, { argv: ['httpd'], netns: netns as Netns });
}

function* serve(os: Os): Op<void> {
  const stop = os.signals();
  const answer: HttpHandler = function* (request, peer): Op<HttpResponse> {
    yield* os.sleep(MILLISECOND);
    const host = (request.headers['host'] ?? '').split(':')[0] as string;
    if (WHO_AM_I.test(host)) return { status: 200, headers: { 'content-type': 'text/plain', server: 'httpd' }, body: `${peer.address}\n` };
    return { status: 200, headers: { 'content-type': 'text/html', server: 'httpd' }, body: page(host) };
  };
  serveHttp(os, { port: 80 }, answer);
  serveHttp(os, { port: 443, tls: { certificate: (serverName) => serverName || 'internet' } }, answer);
  yield* stop.receive();
}
