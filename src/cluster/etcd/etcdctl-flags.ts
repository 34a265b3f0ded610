// The command line of etcdctl: words and flags in any order, flags also from ETCDCTL_* variables.

export class UsageError extends Error {}

export interface Arguments {
  readonly words: readonly string[];
  readonly endpoints: readonly string[];
  readonly cacert: string;
  readonly cert: string;
  readonly key: string;
  readonly output: string;
  readonly prefix: boolean;
  readonly fromKey: boolean;
  readonly keysOnly: boolean;
  readonly valueOnly: boolean;
  readonly countOnly: boolean;
  readonly limit: number;
  readonly revision: number;
}

const SWITCHES = new Set(['prefix', 'from-key', 'keys-only', 'keys', 'print-value-only', 'count-only', 'cluster', 'hex', 'insecure-skip-tls-verify', 'consistency']);
const VALUES = new Set(['endpoints', 'cacert', 'cert', 'key', 'write-out', 'limit', 'rev', 'command-timeout', 'dial-timeout', 'sort-by', 'order']);

/** @throws UsageError */
export function readArguments(argv: readonly string[], env: Readonly<Record<string, string>>): Arguments {
  const flags = new Map<string, string>();
  const words: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const arg = argv[i] as string;
    if (!arg.startsWith('-') || arg === '-') {
      words.push(arg);
      continue;
    }
    const equals = arg.indexOf('=');
    const given = equals > 0 ? arg.slice(0, equals) : arg;
    const name = given === '-w' ? 'write-out' : given.replace(/^--?/, '');
    if (SWITCHES.has(name)) flags.set(name, equals > 0 ? arg.slice(equals + 1) : 'true');
    else if (!VALUES.has(name)) throw new UsageError(`unknown flag: ${given}`);
    else if (equals > 0) flags.set(name, arg.slice(equals + 1));
    else {
      const next = argv[++i];
      if (next === undefined) throw new UsageError(`flag needs an argument: ${given}`);
      flags.set(name, next);
    }
  }
  const text = (name: string, fallback: string): string => flags.get(name) ?? env[`ETCDCTL_${name.toUpperCase().replaceAll('-', '_')}`] ?? fallback;
  const on = (name: string): boolean => flags.get(name) === 'true';
  return {
    words,
    endpoints: text('endpoints', '127.0.0.1:2379').split(','),
    cacert: text('cacert', ''),
    cert: text('cert', ''),
    key: text('key', ''),
    output: text('write-out', 'simple'),
    prefix: on('prefix'),
    fromKey: on('from-key'),
    keysOnly: on('keys-only') || on('keys'),
    valueOnly: on('print-value-only'),
    countOnly: on('count-only'),
    limit: Number(text('limit', '0')),
    revision: Number(text('rev', '0')),
  };
}
