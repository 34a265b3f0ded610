// A command's streams in a container, as client-go's remotecommand joins them with the terminal: an upgraded request whose
// frames carry stdin, stdout, stderr, the terminal's size and, last, how it ended.

import type { Status } from '../../cluster/api/generated/types.ts';
import { TextDecoding } from '../../cluster/api/bytes.ts';
import { ApiError } from '../../cluster/api/status.ts';
import type { Tty } from '../../cluster/machine/tty.ts';
import type { HttpStream } from '../../cluster/network/http.ts';
import type { CommandFrame } from '../../cluster/network/remote-frames.ts';
import { type Channel, receiveAny, TIMED_OUT } from '../../cluster/sim/channel.ts';
import type { Op, Task } from '../../cluster/sim/simulation.ts';
import type { Context } from '../context.ts';
import { CommandError, Exit } from '../print/error.ts';
import { pathOf, type Query, type Target } from '../rest.ts';

/** Where a command's input comes from and its output goes to. */
export interface RemoteStreams {
  /** Gives stdin piece by piece; undefined at its end. Null: no stdin. */
  readonly stdin: (() => Op<string | undefined>) | null;
  readonly stdout: ((text: string) => void) | null;
  readonly stderr: ((text: string) => void) | null;
  /** The terminal that is the command's own while it runs. */
  readonly raw: Tty | null;
  /** The size is told twice, one larger first, so that a program draws itself anew. */
  readonly redraw?: boolean;
}

/** `-i` and `-t` of a command line: what is asked for, and whether there is a terminal for it. */
export interface Terminal {
  readonly stdin: boolean;
  readonly raw: Tty | null;
}

/** Says so when there is no terminal for -t. */
export function terminalFor(context: Context, stdin: boolean, tty: boolean, quiet: boolean): Terminal {
  if (!stdin || !tty) return { stdin, raw: null };
  const raw = context.os.tty;
  if (raw === null && !quiet) context.printError('Unable to use a TTY - input is not a terminal or the right kind of file');
  return { stdin, raw };
}

/** Stdin of this process as a source of pieces. */
export function inputOf(context: Context): () => Op<string | undefined> {
  const { stdin, tty } = context.os;
  const decoding = new TextDecoding();
  if (stdin === null) {
    let read = false;
    return function* () {
      if (read) return undefined;
      read = true;
      return (yield* context.readStdin()) || undefined;
    };
  }
  return function* () {
    for (;;) {
      const piece = yield* stdin.receive();
      // A terminal's empty piece is ^D.
      if (piece === undefined || (piece === '' && tty !== null && !tty.raw)) return decoding.end() || undefined;
      const text = decoding.decode(piece);
      if (text !== '') return text;
    }
  };
}

/** The streams of exec and attach on a terminal or without one. */
export function streamsFor(context: Context, { stdin, raw }: Terminal, more: { readonly redraw?: boolean; readonly input?: () => Op<string | undefined> } = {}): RemoteStreams {
  const { os } = context;
  return {
    stdin: stdin ? (more.input ?? inputOf(context)) : null,
    stdout: (text) => os.write(text),
    stderr: raw === null ? (text) => os.writeError(text) : null,
    raw,
    ...(more.redraw ? { redraw: true } : {}),
  };
}

export const streamQuery = (container: string, { stdin, stdout, stderr, raw }: RemoteStreams): Record<string, string> => ({
  ...(container === '' ? {} : { container }),
  ...(stdin === null ? {} : { stdin: 'true' }),
  ...(stdout === null ? {} : { stdout: 'true' }),
  ...(stderr === null ? {} : { stderr: 'true' }),
  ...(raw === null ? {} : { tty: 'true' }),
});

/** Asks for an upgraded connection. Throws what the server says. */
export function* upgrade(context: Context, target: Target, query: Query): Op<HttpStream> {
  try {
    const response = yield* context.rest.raw('POST', pathOf(target), { query, upgrade: true }, target.subresource);
    if (response.status === 101 && response.stream) return response.stream;
    throw new CommandError(`unable to upgrade connection: ${String(response.body ?? '')}`);
  } catch (error) {
    // A text that is no Status comes from the kubelet.
    const text = error instanceof ApiError ? /^an error on the server \((".*")\) has prevented the request from succeeding$/s.exec(error.message)?.[1] : undefined;
    throw text === undefined ? error : new CommandError(`unable to upgrade connection: ${JSON.parse(text) as string}`);
  }
}

/** Runs it to its end, or until `stop` has an error to throw. Throws Exit for an exit code, CommandError for anything else that went wrong. */
export function* runRemote(context: Context, target: Target, query: Query, streams: RemoteStreams, stop?: Channel<Error>): Op<void> {
  const stream = yield* upgrade(context, target, query);
  const { os } = context;
  const { raw } = streams;
  const send = (frame: CommandFrame): void => stream.write(frame, { verb: 'frame', subject: null, kind: 'http' });
  const tasks: Task[] = [];
  raw?.setRaw(true);
  try {
    if (raw !== null) tasks.push(os.go('resize', () => sizes(raw, streams.redraw ?? false, send)));
    const { stdin } = streams;
    if (stdin !== null) tasks.push(os.go('stdin', () => pump(stdin, send)));
    let last: Status | null = null;
    for (let piece = yield* next(context, stream, stop); piece !== undefined; piece = yield* next(context, stream, stop)) {
      const frame = piece as CommandFrame;
      if (frame.channel === 'status') {
        last = frame.status;
        break;
      }
      if (frame.channel === 'stdout' && 'data' in frame) streams.stdout?.(frame.data);
      else if (frame.channel === 'stderr' && 'data' in frame) streams.stderr?.(frame.data);
    }
    if (last !== null) conclude(last);
  } finally {
    for (const task of tasks) task.kill();
    raw?.setRaw(false);
    stream.cancel();
  }
}

function* next(context: Context, stream: HttpStream, stop: Channel<Error> | undefined): Op<unknown> {
  if (stop === undefined) return yield* stream.read();
  const got = yield* receiveAny<unknown>(context.os.sim, [stream.incoming, stop]);
  if (got === TIMED_OUT) return undefined;
  if (got.index === 1) throw got.value;
  if (got.value === undefined && stream.error !== null) throw stream.error;
  return got.value;
}

function* pump(stdin: () => Op<string | undefined>, send: (frame: CommandFrame) => void): Op<void> {
  for (let data = yield* stdin(); data !== undefined; data = yield* stdin()) send({ channel: 'stdin', data });
  send({ channel: 'stdin', end: true });
}

function* sizes(tty: Tty, redraw: boolean, send: (frame: CommandFrame) => void): Op<void> {
  while (tty.resized.tryReceive() !== undefined);
  if (redraw) send({ channel: 'resize', columns: tty.columns + 1, rows: tty.rows + 1 });
  send({ channel: 'resize', columns: tty.columns, rows: tty.rows });
  for (let size = yield* tty.resized.receive(); size !== undefined; size = yield* tty.resized.receive()) send({ channel: 'resize', ...size });
}

/** How it ended. Throws unless all went well. */
function conclude(status: Status): void {
  if (status.status === 'Success') return;
  if (status.reason !== 'NonZeroExitCode') throw new CommandError(status.message ?? '');
  const code = Number(status.details?.causes?.find((c) => c.reason === 'ExitCode')?.message ?? 1);
  throw new Exit(code, `command terminated with exit code ${code}`);
}
