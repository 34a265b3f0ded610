import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseAst } from 'vite';
import { afterAll, expect, test, vi } from 'vitest';
import { MISSED, split } from './split.mjs';

const FOLDER = mkdtempSync(join(tmpdir(), 'late-code-'));
afterAll(() => rmSync(FOLDER, { recursive: true }));
vi.stubGlobal('self', globalThis);

/** What ran is marked by a comment: it stands at its begin. */
const SOURCE = `
const word=/*ran*/()=>'boot',unused=new Set(['a long list of words that','only late code looks into']);
function start(){/*ran*/return word()+new Machine(2).boot()+total}
function rare(text){return unused.has(text)?text.toUpperCase():'nothing at all is known about '+text}
function passed(text){return 'this one was passed on before it was there: '+text+text+text}
const table={often(){/*ran*/return 'often'},seldom(text){return 'a row of the table that is long enough to leave out '+text},passed};
let total=0;
function count(){total+=1;return 'only the module itself may assign its variables: '+total}
class Machine{#size;#parts=[];constructor(size){/*ran*/this.#size=size}
boot(){/*ran*/this.later=this.explode;return this.#size+table.often()}
explode(text){return this.#shout(text)+(#parts in this)+this.#parts.length+rare(text)}
#shout(text){return 'a private method that is long enough to leave out: '+text+this.#size}
get weight(){return this.#size*1000+' grams, says a getter that nobody asked at first'}
static of(size){return new Machine(size+'a static method that is long enough to leave out'.length)}}
class Huge extends Machine{explode(text){return 'a class that nobody made an object of, '+super.explode(text)}}
function makeHuge(){return new Huge(7).explode('huge, and made by a function that is late itself')}
export{start,rare as r,table,count,Machine as M,makeHuge};
`;

const EXPORTS = ['start', 'r', 'table', 'count', 'M', 'makeHuge'];

interface Machine {
  later(text: string): string;
  boot(): string;
  readonly weight: string;
}
interface Kept {
  start(): string;
  readonly table: { seldom(text: string): string; passed(text: string): string };
  readonly Machine: { new (size: number): Machine; of(size: number): Machine };
}
interface Late {
  rare(text: string): string;
  makeHuge(): string;
}

const open = async <T>(file: string): Promise<T> => (await import(pathToFileURL(join(FOLDER, file)).href)) as T;

test('what did not run comes late, and then everything is as if it had been there', async () => {
  const marks = [...SOURCE.matchAll(/\/\*ran\*\//g)].map((match) => match.index);
  const ran = (start: number, end: number): boolean => marks.some((mark) => mark >= start && mark < end);
  const parts = split(SOURCE, parseAst(SOURCE), ran, EXPORTS, 'kept.mjs');
  writeFileSync(join(FOLDER, 'kept.mjs'), parts.kept);
  writeFileSync(join(FOLDER, 'late.mjs'), parts.late);

  for (const text of ['long list of words', 'nothing at all', 'passed on', 'row of the table', 'private method', 'says a getter', 'static method', 'nobody made an object']) {
    expect([text, parts.kept.includes(text), parts.late.includes(text)]).toEqual([text, false, true]);
  }
  // A variable can be assigned by its own module alone.
  expect(parts.kept).toContain('only the module itself');
  expect(EXPORTS.filter((name) => parts.isLate(parts.localOf(name) ?? ''))).toEqual(['r', 'makeHuge']);

  const kept = await open<Kept>('kept.mjs');
  expect(kept.start()).toBe('boot2often0');
  const machine = new kept.Machine(3);
  machine.boot();
  for (const early of [() => kept.table.passed('x'), () => kept.table.seldom('x'), () => machine.later('x'), () => machine.weight]) {
    Reflect.deleteProperty(globalThis, MISSED);
    expect(early).toThrow('not loaded yet');
    expect(globalThis).toHaveProperty(MISSED);
  }

  const late = await open<Late>('late.mjs');
  expect(late.rare('abc')).toContain('abc');
  expect(kept.table.passed('x')).toMatch(/xxx$/);
  expect(kept.table.seldom('x')).toMatch(/x$/);
  // Taken from the class before its method had come.
  expect(machine.later('x')).toMatch(/x3true0nothing at all is known about x$/);
  expect(machine.weight).toMatch(/^3000 grams/);
  expect(kept.Machine.of(1).weight).toMatch(/^49000 grams/);
  expect(late.makeHuge()).toMatch(/^a class that nobody made an object of, a private method.*7true0/);
});
