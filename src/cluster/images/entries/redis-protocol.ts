// RESP2, redis' wire protocol: requests are arrays of bulk strings or plain lines, replies are typed.

import type { Reply } from './redis-commands.ts';

export function encodeReply(reply: Reply): string {
  if (reply === null) return '$-1\r\n';
  if (typeof reply === 'number') return `:${reply}\r\n`;
  if (typeof reply === 'string') return `$${byteLength(reply)}\r\n${reply}\r\n`;
  if ('ok' in reply) return `+${reply.ok}\r\n`;
  if ('error' in reply) return `-${reply.error}\r\n`;
  return `*${reply.length}\r\n${reply.map(encodeReply).join('')}`;
}

export const encodeRequest = (words: readonly string[]): string => encodeReply(words);

/** Of the text as UTF-8. */
export function byteLength(text: string): number {
  let bytes = 0;
  for (const c of text) {
    const code = c.codePointAt(0) as number;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return bytes;
}

/** Puts messages together from the pieces that arrive. */
export class RespReader {
  #text = '';

  feed(text: string): void {
    this.#text += text;
  }

  /** The next request; undefined until it is whole. */
  request(): string[] | undefined {
    while (this.#text !== '') {
      if (this.#text.startsWith('*')) {
        const reply = this.reply();
        return Array.isArray(reply) ? reply.map((part) => (typeof part === 'string' ? part : '')) : undefined;
      }
      const end = this.#text.indexOf('\n');
      if (end < 0) return undefined;
      const words = splitLine(this.#text.slice(0, end).replace(/\r$/, ''));
      this.#text = this.#text.slice(end + 1);
      if (words.length > 0) return words;
    }
    return undefined;
  }

  /** The next reply; undefined until it is whole. */
  reply(): Reply | undefined {
    const parsed = parse(this.#text, 0);
    if (!parsed) return undefined;
    this.#text = this.#text.slice(parsed.end);
    return parsed.reply;
  }
}

function parse(text: string, start: number): { reply: Reply; end: number } | undefined {
  const eol = text.indexOf('\r\n', start);
  if (eol < 0) return undefined;
  const line = text.slice(start + 1, eol);
  let end = eol + 2;
  switch (text[start]) {
    case '+':
      return { reply: { ok: line }, end };
    case '-':
      return { reply: { error: line }, end };
    case ':':
      return { reply: Number(line), end };
    case '$': {
      if (line === '-1') return { reply: null, end };
      const stop = endOfBytes(text, end, Number(line));
      return stop === undefined || text.length < stop + 2 ? undefined : { reply: text.slice(end, stop), end: stop + 2 };
    }
    case '*': {
      const parts: Reply[] = [];
      for (let i = 0; i < Number(line); i++) {
        const part = parse(text, end);
        if (!part) return undefined;
        parts.push(part.reply);
        end = part.end;
      }
      return { reply: line === '-1' ? null : parts, end };
    }
    default:
      return { reply: { error: `ERR Protocol error: expected '$', got '${text[start]}'` }, end };
  }
}

/** Where `bytes` bytes of UTF-8 end that start at `from`. */
function endOfBytes(text: string, from: number, bytes: number): number | undefined {
  let left = bytes;
  let at = from;
  while (left > 0) {
    const code = text.codePointAt(at);
    if (code === undefined) return undefined;
    left -= code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    at += code > 0xffff ? 2 : 1;
  }
  return at;
}

/** Words of a line as redis-cli splits them: quotes hold spaces together. */
export function splitLine(line: string): string[] {
  const words: string[] = [];
  const pattern = /"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|(\S+)/g;
  for (const [, double, single, plain] of line.matchAll(pattern)) {
    words.push(double !== undefined ? double.replace(/\\n/g, '\n').replace(/\\t/g, '\t').replace(/\\(.)/g, '$1') : (single ?? plain ?? ''));
  }
  return words;
}

const quote = (text: string): string => `"${text.replace(/[\\"]/g, '\\$&').replace(/\n/g, '\\n').replace(/\r/g, '\\r').replace(/\t/g, '\\t')}"`;

/** A reply as redis-cli prints it on a terminal. */
export function formatForTerminal(reply: Reply, prefix = ''): string {
  if (reply === null) return '(nil)';
  if (typeof reply === 'number') return `(integer) ${reply}`;
  if (typeof reply === 'string') return quote(reply);
  if ('ok' in reply) return reply.ok;
  if ('error' in reply) return `(error) ${reply.error}`;
  if (reply.length === 0) return '(empty array)';
  const width = String(reply.length).length;
  return reply
    .map((part, i) => {
      const label = `${String(i + 1).padStart(width)}) `;
      return `${i === 0 ? '' : prefix}${label}${formatForTerminal(part, prefix + ' '.repeat(label.length))}`;
    })
    .join('\n');
}

/** A reply as redis-cli prints it into a pipe. */
export function formatRaw(reply: Reply): string {
  if (reply === null) return '';
  if (typeof reply === 'number' || typeof reply === 'string') return String(reply);
  if ('ok' in reply) return reply.ok;
  if ('error' in reply) return reply.error;
  return reply.map(formatRaw).join('\n');
}
