// printf(1) formats and back-slash escapes.

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', a: '\x07', b: '\b', f: '\f', v: '\v', '\\': '\\', e: '\x1b', '"': '"' };

/** `\n`, `\t`, `\0nnn`, `\xhh` … */
export function unescape(text: string): string {
  return text.replace(/\\(?:0([0-7]{1,3})|([0-7]{1,3})|x([0-9a-fA-F]{1,2})|(.))/gs, (all, zeroOctal?: string, octal?: string, hex?: string, letter?: string) => {
    if (zeroOctal !== undefined || octal !== undefined) return String.fromCharCode(Number.parseInt((zeroOctal ?? octal) as string, 8) & 255);
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
    return ESCAPES[letter as string] ?? all;
  });
}

const DIRECTIVE = /%%|%([-+ 0#]*)(\d+|\*)?(?:\.(\d+))?([a-zA-Z])/g;

/** The format is used again as long as arguments are left. */
export function formatPrintf(format: string, args: readonly string[]): string {
  const unescaped = unescape(format);
  let next = 0;
  let out = '';
  do {
    const before = next;
    out += unescaped.replace(DIRECTIVE, (all, flags: string | undefined, width: string | undefined, precision: string | undefined, kind: string) => {
      if (all === '%%') return '%';
      const size = width === '*' ? Number(args[next++] ?? 0) : Number(width ?? 0);
      const arg = args[next++] ?? '';
      return pad(convert(kind, arg, precision), flags ?? '', size, kind);
    });
    if (next === before) break;
  } while (next < args.length);
  return out;
}

function convert(kind: string, arg: string, precision: string | undefined): string {
  switch (kind) {
    case 'd':
    case 'i':
    case 'u':
      return String(Math.trunc(numberOf(arg)));
    case 'x':
      return Math.trunc(numberOf(arg)).toString(16);
    case 'X':
      return Math.trunc(numberOf(arg)).toString(16).toUpperCase();
    case 'o':
      return Math.trunc(numberOf(arg)).toString(8);
    case 'f':
      return numberOf(arg).toFixed(Number(precision ?? 6));
    case 'c':
      return arg.slice(0, 1);
    case 'b':
      return unescape(arg);
    default:
      return precision === undefined ? arg : arg.slice(0, Number(precision));
  }
}

function numberOf(text: string): number {
  if (/^['"]/.test(text)) return text.charCodeAt(1);
  const value = /^0[0-7]+$/.test(text) ? Number.parseInt(text, 8) : Number(text);
  return Number.isNaN(value) ? 0 : value;
}

function pad(text: string, flags: string, size: number, kind: string): string {
  let out = flags.includes('+') && /[dif]/.test(kind) && !text.startsWith('-') ? `+${text}` : text;
  if (out.length >= size) return out;
  if (flags.includes('-')) return out.padEnd(size);
  if (flags.includes('0') && kind !== 's') {
    const sign = /^[-+]/.exec(out)?.[0] ?? '';
    out = sign + out.slice(sign.length).padStart(size - sign.length, '0');
  }
  return out.padStart(size);
}
