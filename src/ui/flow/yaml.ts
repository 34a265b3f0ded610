// Plain data as YAML for reading, bounded so that no payload can freeze the page.

const MOST_LINES = 4_000;
const PLAIN = /^[A-Za-z_/](?:[\w./ @+-]|:(?! |$))*$/;
const RESERVED = /^(?:true|false|null|yes|no|on|off)$/i;

export function toYaml(value: unknown): string {
  return render(value, { left: MOST_LINES }).join('\n');
}

interface Budget {
  left: number;
}

/** The lines of a value, not indented. */
function render(value: unknown, budget: Budget): string[] {
  if (Array.isArray(value)) return value.length === 0 ? ['[]'] : renderList(value, budget);
  if (value !== null && typeof value === 'object') {
    const entries = Object.entries(value as Record<string, unknown>).filter(([, v]) => v !== undefined);
    return entries.length === 0 ? ['{}'] : renderMap(entries, budget);
  }
  budget.left--;
  if (typeof value === 'string' && value.includes('\n')) return ['|', ...value.split('\n').slice(0, Math.max(1, budget.left)).map(indent)];
  return [scalar(value)];
}

function renderList(items: readonly unknown[], budget: Budget): string[] {
  const lines: string[] = [];
  for (const item of items) {
    if (budget.left <= 0) break;
    const [first = '', ...rest] = render(item, budget);
    lines.push(`- ${first}`, ...rest.map(indent));
  }
  return lines;
}

function renderMap(entries: readonly (readonly [string, unknown])[], budget: Budget): string[] {
  const lines: string[] = [];
  for (const [key, item] of entries) {
    if (budget.left <= 0) break;
    const sub = render(item, budget);
    const [first = '', ...rest] = sub;
    const nested = item !== null && typeof item === 'object' && first !== '[]' && first !== '{}';
    if (!nested) lines.push(`${scalar(key)}: ${first}`, ...rest);
    else lines.push(`${scalar(key)}:`, ...(Array.isArray(item) ? sub : sub.map(indent)));
  }
  return lines;
}

const indent = (line: string): string => `  ${line}`;

function scalar(value: unknown): string {
  if (typeof value !== 'string') return String(value);
  return PLAIN.test(value) && !RESERVED.test(value) && !value.endsWith(' ') ? value : JSON.stringify(value);
}
