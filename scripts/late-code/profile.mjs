// node profile.mjs MODULE: lives through what a worker does until its late code has come (boots a new cluster, shows it, answers what is
// answered at once) and prints as JSON which parts ran: {ran: [[start, end]…], hash of the trace, missed}.

import { Session } from 'node:inspector/promises';
import { pathToFileURL } from 'node:url';

const url = pathToFileURL(process.argv[2]).href;
/** The answer must not depend on the day of the build. */
const NOW = Date.UTC(2026, 0, 15, 9, 30);
const AT_ONCE = [['play', 1], ['pause'], ['toLive'], ['flows'], ['log'], ['traceHash']];

const handlers = [];
const answers = [];
Object.assign(globalThis, {
  self: globalThis,
  name: 'cluster, new',
  addEventListener: (_, handler) => handlers.push(handler),
  removeEventListener: () => undefined,
  postMessage: (message) => answers.push(message.value),
});
Date.now = () => NOW;

const inspector = new Session();
inspector.connect();
await inspector.post('Profiler.enable');
await inspector.post('Profiler.startPreciseCoverage', { callCount: false, detailed: true });

await import(url);
process.on('unhandledRejection', () => undefined);
const { port1, port2 } = new MessageChannel();
port1.onmessage = ({ data }) => port1.postMessage({ ack: data.seq });
const turn = () => new Promise((resolve) => setTimeout(resolve, 60));
const call = async (path, ...values) => {
  const data = { id: '1', type: 'APPLY', path: [path], argumentList: values.map((value) => ({ type: 'RAW', value })) };
  for (const handler of handlers) handler({ origin: '', data });
  await turn();
  return answers.at(-1);
};
await call('open', null, port2);
let hash;
for (const [path, ...values] of AT_ONCE) hash = await call(path, ...values);
// And what asks for the rest, which is not here.
await call('check', '');

const { result } = await inspector.post('Profiler.takePreciseCoverage');
const ran = result
  .find((script) => script.url === url)
  .functions.filter(({ ranges: [whole] }) => whole.count > 0)
  .map(({ ranges: [{ startOffset, endOffset }] }) => [startOffset, endOffset]);
// The first is the module itself.
process.stdout.write(JSON.stringify({ ran: ran.slice(1), hash, missed: globalThis.orreryMissedLateCode }), () => process.exit());
