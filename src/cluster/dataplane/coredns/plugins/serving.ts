// Plug-ins of CoreDNS that serve HTTP (health, ready, prometheus) and the two that only look at answers: errors, loadbalance.

import type { DnsRecord } from '../../../network/dns.ts';
import { dnsSize } from '../../../network/dns-size.ts';
import { serveHttp } from '../../../network/http.ts';
import { SECOND } from '../../../sim/time.ts';
import { CorefileError, parsingError } from '../corefile.ts';
import { providedExtras } from '../extras.ts';
import { CODES, type Context, type Directive, duration, fqdn, once, type Setup, unknownProperty, wrongArguments } from '../plugin.ts';

const TEXT = { 'content-type': 'text/plain; charset=utf-8' };

/** `[host]:port` of an argument. */
function portOf(address: string): number {
  const port = /:(\d+)$/.exec(address)?.[1];
  if (port === undefined) throw new CorefileError(`address ${address}: missing port in address`);
  return Number(port);
}

/** Serves one path as long as the configuration holds. */
function serve(context: Context, port: number, path: string, answer: () => { readonly status: number; readonly body: string }, headers: Readonly<Record<string, string>> = TEXT): void {
  context.onListen(() => {
    const server = serveHttp(context.os, { port }, function* (asked) {
      return asked.path === path ? { headers, ...answer() } : { status: 404, headers: TEXT, body: '404 page not found\n' };
    });
    context.onStop(() => server.close());
  });
}

export const health: Setup = (block, context) => {
  const directive = block.directives.at(-1) as Directive;
  if (directive.args.length > 1) throw wrongArguments(context.path, directive);
  for (const property of directive.block) {
    if (property.name !== 'lameduck') throw unknownProperty(context.path, property);
    const [text] = property.args;
    if (text === undefined || property.args.length > 1) throw wrongArguments(context.path, property);
    duration(text);
    context.lameduck.duration = text;
  }
  serve(context, portOf(directive.args[0] ?? ':8080'), '/health', () => ({ status: 200, body: 'OK' }));
  return null;
};

export const ready: Setup = (block, context) => {
  const directive = once(block);
  if (directive.args.length > 1) throw wrongArguments(context.path, directive);
  serve(context, portOf(directive.args[0] ?? ':8181'), '/ready', () => {
    const missing = context.notReady();
    if (missing.length === 0) return { status: 200, body: 'OK' };
    const names = missing.join(',');
    context.log('INFO', `plugin/ready: Plugins not ready: "${names}"`);
    return { status: 503, body: names };
  });
  return null;
};

export const prometheus: Setup = (block, context) => {
  const directive = once(block);
  if (directive.args.length > 1) throw wrongArguments(context.path, directive);
  for (const property of directive.block) throw unknownProperty(context.path, property);
  const { os, metrics } = context;
  const body = (): string => providedExtras()?.metricsText(metrics) ?? '';
  serve(context, portOf(directive.args[0] ?? 'localhost:9153'), '/metrics', () => ({ status: 200, body: body() }), { 'content-type': 'text/plain; version=0.0.4; charset=utf-8; escaping=underscores' });
  for (const zone of block.zones) metrics.gauges.set(`coredns_plugin_enabled{name="prometheus",server="dns://:${block.port}",view="",zone="${fqdn(zone)}"}`, 1);
  return function* (request, next) {
    const result = yield* next(request);
    metrics.report(request, result, os.sim.now - request.arrived, dnsSize(request.query), dnsSize(result.reply));
    return result;
  };
};

interface Consolidation {
  readonly pattern: RegExp;
  readonly text: string;
  readonly period: number;
  readonly level: 'INFO' | 'WARNING' | 'ERROR';
  count: number;
}

export const errors: Setup = ({ directives }, context) => {
  const { path, log, os } = context;
  const patterns: Consolidation[] = [];
  for (const directive of directives) {
    if (directive.args.length > 1) throw wrongArguments(path, directive);
    if (directive.args[0] !== undefined && directive.args[0] !== 'stdout') throw parsingError(path, directive.line, `invalid log file: ${directive.args[0]}`);
    for (const property of directive.block) {
      const { name, args, line } = property;
      if (name === 'stacktrace') continue;
      if (name !== 'consolidate') throw unknownProperty(path, property);
      const [period, text, level = 'error'] = args;
      if (period === undefined || text === undefined) throw wrongArguments(path, property);
      if (duration(period) <= 0) throw parsingError(path, line, 'invalid duration');
      patterns.push({ pattern: new RegExp(text), text, period: duration(period), level: level === 'warning' ? 'WARNING' : level === 'info' ? 'INFO' : 'ERROR', count: 0 });
    }
  }
  let stopped = false;
  context.onStop(() => (stopped = true));
  return function* (request, next) {
    const result = yield* next(request);
    if (result.error === undefined) return result;
    const { name, type } = request.query.question;
    const same = patterns.find((p) => p.pattern.test(result.error as string));
    if (same === undefined) log('ERROR', `plugin/errors: ${CODES.indexOf(result.reply.code)} ${fqdn(name)} ${type}: ${result.error}`);
    else if (same.count++ === 0) {
      os.go('consolidate', function* () {
        yield* os.sleep(same.period);
        if (!stopped) log(same.level, `plugin/errors: ${same.count} errors like '${same.text}' occurred in last ${same.period / SECOND}s`);
        same.count = 0;
      });
    }
    return result;
  };
};

/** Shuffles addresses; aliases stay in front. */
export const loadbalance: Setup = (block, { path, os }) => {
  const directive = once(block);
  const [policy = 'round_robin'] = directive.args;
  if (policy !== 'round_robin' && policy !== 'weighted') throw parsingError(path, directive.line, `unknown policy: ${policy}`);
  const random = os.sim.random(`coredns/${os.place}`);
  const isTurned = (record: DnsRecord): boolean => record.type === 'A' || record.type === 'AAAA' || record.type === 'MX';
  return function* (request, next) {
    const result = yield* next(request);
    const { answers } = result.reply;
    if (answers.length < 2) return result;
    const turned = answers.filter(isTurned);
    for (let i = turned.length - 1; i > 0; i--) {
      const j = random.int(i + 1);
      [turned[i], turned[j]] = [turned[j] as DnsRecord, turned[i] as DnsRecord];
    }
    const aliases = answers.filter((r) => r.type === 'CNAME');
    const rest = answers.filter((r) => r.type !== 'CNAME' && !isTurned(r));
    return { ...result, reply: { ...result.reply, answers: [...aliases, ...rest, ...turned] } };
  };
};

