// The plug-in loop (plugin/loop): at its start CoreDNS asks itself a question that nobody knows; when it comes back more than twice,
// the servers that it forwards to lead back to it, and it ends.

import { dnsExchange } from '../../../network/dns.ts';
import type { Op } from '../../../sim/simulation.ts';
import { SECOND } from '../../../sim/time.ts';
import { fqdn, isBelow, once, type Setup, wrongArguments } from '../plugin.ts';

export const loop: Setup = (block, context) => {
  const directive = once(block);
  if (directive.args.length > 0) throw wrongArguments(context.path, directive);
  const { os } = context;
  const [zone = '.'] = block.zones;
  const random = os.sim.random(`coredns/${os.place}/loop/${os.sim.now}`);
  const word = (): string => `${1 + random.int(8)}${Array.from({ length: 2 }, () => String(random.uint32() % 1_000_000_000).padStart(9, '0')).join('')}`;
  const name = `${word()}.${word()}${zone === '.' ? '' : `.${zone}`}`;
  let seen = 0;
  let off = false;
  context.onStop(() => (off = true));
  context.onServing(() => {
    os.go('loop', function* (): Op<void> {
      for (let i = 0; i < 30 && !off; i++) {
        const { replies } = yield* dnsExchange(os, '127.0.0.1', [{ id: random.int(0x1_0000), question: { name, type: 'HINFO' } }], 2 * SECOND, block.port);
        if (replies[0] !== undefined) {
          yield* os.sleep(2 * SECOND);
          break;
        }
        seen = 0;
        yield* os.sleep(SECOND);
      }
      off = true;
    });
  });
  return function* (request, next) {
    const { question } = request.query;
    if (question.type === 'HINFO' && !off && isBelow(question.name, zone)) {
      if (question.name === name) seen++;
      if (seen > 2) {
        const { address, port } = request.client;
        context.fatal(`plugin/loop: Loop (${address}:${port} -> :${block.port}) detected for zone "${fqdn(zone)}", see https://coredns.io/plugins/loop#troubleshooting. Query: "HINFO ${fqdn(name)}"`);
      }
    }
    return yield* next(request);
  };
};
