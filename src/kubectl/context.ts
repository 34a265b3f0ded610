// What every command of kubectl works with: its machine, the configuration, the server, finding resources, reading and printing.

import type { Os } from '../cluster/machine/process.ts';
import type { Op } from '../cluster/sim/simulation.ts';
import { namespaceOf } from './config/client-config.ts';
import type { Flags } from './flag-set.ts';
import { klog } from './klog.ts';
import { usageError } from './print/error.ts';
import { Stdio } from './stdio.ts';
import { Rest } from './rest.ts';
import { Discovery } from './resource/discovery.ts';
import { Mapper } from './resource/mapper.ts';

export class Context {
  readonly os: Os;
  readonly flags: Flags;
  /** `kubectl rollout status`. */
  readonly commandPath: string;
  readonly io: Stdio;
  #rest: Rest | null = null;
  #discovery: Discovery | null = null;
  #mapper: Mapper | null = null;
  #namespace: { readonly namespace: string; readonly given: boolean } | null = null;

  constructor(os: Os, flags: Flags, commandPath: string) {
    this.os = os;
    this.flags = flags;
    this.commandPath = commandPath;
    this.io = new Stdio(os);
  }

  /** The connection to the server; made on first use. Throws CommandError when the configuration is of no use. */
  get rest(): Rest {
    return (this.#rest ??= new Rest(this.os, this.flags, this.commandPath));
  }

  /** `host:port` for messages; '' before anything was asked. */
  get server(): string {
    return this.#rest === null ? '' : this.#rest.server.replace(/^https?:\/\//, '');
  }

  get discovery(): Discovery {
    return (this.#discovery ??= new Discovery(this.rest, this.flags.text('cache-dir') || `${this.os.env['HOME'] ?? '/root'}/.kube/cache`));
  }

  get mapper(): Mapper {
    return (this.#mapper ??= new Mapper(this.discovery));
  }

  /** The namespace to work in: -n, the context's, default. */
  get namespace(): string {
    return (this.#namespace ??= namespaceOf(this.os, this.flags)).namespace;
  }

  /** Whether `-n` was given: then manifests must agree with it. */
  get namespaceGiven(): boolean {
    return (this.#namespace ??= namespaceOf(this.os, this.flags)).given;
  }

  /** A line on stdout. */
  print(line = ''): void {
    this.io.out(`${line}\n`);
  }

  /** Text on stdout, as it is. */
  write(text: string): void {
    this.io.out(text);
  }

  /** A line on stderr. */
  printError(line: string): void {
    this.io.error(`${line}\n`);
  }

  warn(text: string): void {
    this.printError(`Warning: ${text}`);
  }

  /** A log line, as klog writes it; `line` begins with `file.go:1] `. */
  klog(line: string, severity: 'I' | 'W' | 'E' = 'I'): void {
    klog(this.os, line, severity);
  }

  /** How many warnings the server has sent. */
  get warnings(): number {
    return this.#rest?.warnings ?? 0;
  }

  /** All of stdin. */
  readStdin(): Op<string> {
    return this.io.readAll();
  }

  /** An absolute path on the machine. */
  path(given: string): string {
    return given.startsWith('/') ? given : `${this.os.env['PWD'] ?? '/root'}/${given}`;
  }

  /** An error that points to the help. */
  usageError(message: string): Error {
    return usageError(this.commandPath, message);
  }
}
