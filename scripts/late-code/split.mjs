// Writes a module as two: the one that stays and the one that comes late, which tells the first what it has brought.

import { planOf } from './plan.mjs';
import { lateMembers } from './members.mjs';
import { referencesOf } from './references.mjs';
import { entryText, lateEntries } from './tables.mjs';
import { unitsOf } from './units.mjs';

/** Set on the global object when code that comes late was wanted before it was there. */
export const MISSED = 'orreryMissedLateCode';

const PROVIDE = '$provide';
const MISS = '$miss';
const CLASS = '$class';
const LACK = '$lack';
const ADD = '$add';
const ENTRY = '$entry';
const ENTRIES = '$entries';

/** Lets a class, and what it is made of, have the methods of another. */
const ADDER =
  `let ${ADD}=(e,t)=>{for(let[n,r]of[[e.prototype,t.prototype],[e,t]])for(let e of Object.getOwnPropertyNames(r)){` +
  'if(["constructor","prototype","name","length"].includes(e))continue;let t=Object.getOwnPropertyDescriptor(n,e)?.value,i=Object.getOwnPropertyDescriptor(r,e);' +
  't?.late&&(t.late=i.value),Object.defineProperty(n,e,i)}};';

/** The helpers of a module whose stubs are these. */
function prelude(stubs) {
  const of = (kind) => [...stubs].filter(([, k]) => k === kind).map(([name]) => name);
  const called = of('function');
  const wrapped = of('wrapper');
  const classes = of('class');
  const declared = [
    ...called.map((name) => `${name}=${MISS}`),
    ...wrapped.map((name) => `$$$${name}=${MISS}`),
    ...classes.map((name) => `${name}=${CLASS}`),
  ];
  const wrappers = wrapped.map((name) => `function ${name}(...e){return $$$${name}.apply(this,e)}`);
  const given = [ENTRIES, ...called, ...wrapped.map((name) => `${name}:$$$${name}`), ...classes];
  return (
    `function ${MISS}(){let e=Error("not loaded yet");throw self.${MISSED}??=e.stack,e}class ${CLASS}{constructor(){${MISS}()}}` +
    `function ${LACK}(e,t){for(let n of t.split(" ")){let t=function(...e){return t.late.apply(this,e)};t.late=${MISS},` +
    `Object.defineProperty(e,n.replace("=",""),n[0]==="="?{get:${MISS},configurable:!0}:{value:t,configurable:!0,writable:!0})}}` +
    `let ${[...declared, `${ENTRIES}=[]`].join(',')};let ${ENTRY}=e=>function(...t){return(${ENTRIES}[e]??${MISS}).apply(this,t)};${wrappers.join('')}function ${PROVIDE}(e){({${given.join(',')}}=e)}`
  );
}

/** The text of a node after edits, without some of its parts. */
function textOf(text, node, edits, without = []) {
  const changes = [...edits, ...without.map(({ start, end }) => ({ start, end, text: '' }))]
    .filter(({ start, end }) => start >= node.start && end <= node.end)
    .toSorted((a, b) => a.start - b.start || b.end - a.end);
  let out = '';
  let at = node.start;
  for (const change of changes) {
    if (change.start < at) continue;
    out += text.slice(at, change.start) + change.text;
    at = change.end;
  }
  return out + text.slice(at, node.end);
}

const write = (units) => {
  let out = '';
  let keyword = '';
  for (const unit of units) {
    if (unit.keyword === undefined) {
      out += `${keyword === '' ? '' : ';'}${unit.text}${/^(Function|Class)Declaration$/.test(unit.node?.type) ? '' : ';'}`;
      keyword = '';
    } else {
      out += keyword === unit.keyword ? `,${unit.text}` : `${keyword === '' ? '' : ';'}${unit.keyword} ${unit.text}`;
      keyword = unit.keyword;
    }
  }
  return keyword === '' ? out : `${out};`;
};

/** What was taken out of a unit; it has no name, so nothing keeps it from coming late. */
function lateUnit(at, functions, isTop, evaluated = []) {
  const refs = { evaluated: new Set(evaluated), deep: new Set(), assigned: new Set(), asValue: new Set(evaluated), constructed: new Set() };
  for (const node of functions) for (const name of referencesOf(node, isTop).deep) refs.deep.add(name);
  return { node: null, start: at, end: at, names: [], kind: 'taken', movable: true, refs };
}

/** Takes late methods out of their classes and late functions out of tables: what stays and what is taken become two units. */
function separate(text, units, isTop, ran) {
  const { hot } = planOf(units, ran);
  const members = lateMembers(units, hot, ran, isTop);
  let number = 0;
  return units.flatMap((unit) => {
    const taken = members.get(unit);
    if (taken === undefined) {
      const entries = hot.has(unit) ? lateEntries(unit, ran, isTop) : [];
      if (entries.length === 0) return [{ ...unit, text: text.slice(unit.start, unit.end) }];
      const edits = [];
      const late = [];
      for (const entry of entries) {
        const written = entryText(text, entry, number, ENTRY);
        edits.push({ start: entry.place.start, end: entry.place.end, text: written.rest });
        late.push(`${ENTRIES}[${number++}]=${written.late}`);
      }
      const values = new Set(entries.map(({ value }) => value));
      return [
        { ...unit, refs: referencesOf(unit.node, isTop, values), text: textOf(text, unit, edits) },
        { ...lateUnit(unit.end, entries.map(({ value }) => value), isTop), text: late.join(';') },
      ];
    }
    const [name] = unit.names;
    const rest = { ...taken.node, body: { ...taken.node.body, body: taken.node.body.body.filter((member) => !taken.members.includes(member)) } };
    const restNode = unit.node.type === 'VariableDeclarator' ? { ...unit.node, init: rest } : rest;
    const names = (isStatic) => taken.members.filter((member) => member.static === isStatic).map((member) => `${member.kind === 'method' ? '' : '='}${taken.nameOf(member)}`).join(' ');
    return [
      { ...unit, refs: referencesOf(restNode, isTop), text: textOf(text, unit, taken.edits, taken.members), lacks: { name, own: names(false), static: names(true) } },
      {
        ...lateUnit(unit.end, taken.members.map((member) => member.value), isTop, [name]),
        text: `${ADD}(${name},class{${taken.members.map((member) => textOf(text, member, taken.edits)).join('')}})`,
      },
    ];
  });
}

/**
 * @param text the bundled module
 * @param program its syntax tree
 * @param ran whether anything between two offsets ran
 * @param wantedElsewhere the names (as exported) that other chunks import from it
 * @param file what the module is called, for the late one to import from
 * @returns {kept, late, isLate(local name), localOf(exported name)}: both texts, and where a name is
 */
export function split(text, program, ran, wantedElsewhere, file) {
  const { units: whole, other, isTop } = unitsOf(program);
  const units = separate(text, whole, isTop, ran);
  const { hot, stubs } = planOf(units, ran);
  const lateUnits = units.filter((unit) => !hot.has(unit));
  const lateNames = new Set(lateUnits.flatMap((unit) => unit.names));
  const hotNames = new Set([...hot].flatMap((unit) => unit.names));

  const locals = new Map();
  for (const statement of other) {
    if (statement.type !== 'ExportNamedDeclaration' || statement.source || statement.declaration) throw new Error(`late code: unexpected ${statement.type}`);
    for (const { local, exported } of statement.specifiers) locals.set(exported.name, local.name);
  }
  const elsewhere = [...wantedElsewhere].map((name) => locals.get(name));
  const needed = new Set(elsewhere.filter((name) => hotNames.has(name)));
  for (const unit of lateUnits) for (const set of [unit.refs.evaluated, unit.refs.deep]) for (const name of set) if (hotNames.has(name)) needed.add(name);
  const lateExports = elsewhere.filter((name) => lateNames.has(name));

  const staying = units.filter((unit) => hot.has(unit));
  const lacking = staying.filter((unit) => unit.lacks !== undefined);
  const lacks = lacking
    .flatMap(({ lacks: { name, own, static: ofClass } }) => [...(own === '' ? [] : [`${LACK}(${name}.prototype,"${own}")`]), ...(ofClass === '' ? [] : [`${LACK}(${name},"${ofClass}")`])])
    .join(';');
  if (lacks !== '') staying.splice(staying.indexOf(lacking.at(-1)) + 1, 0, { node: null, text: lacks });
  const kept = `${prelude(stubs)}${write(staying)}export{${[...needed, PROVIDE].join(',')}};`;
  const late =
    `import{${[...needed].filter((name) => lateUnits.some((unit) => unit.refs.deep.has(name) || unit.refs.evaluated.has(name))).join(',')},${PROVIDE}}from"./${file}";${ADDER}let ${ENTRIES}=[];` +
    `${write(lateUnits)}${PROVIDE}({${[ENTRIES, ...stubs.keys()].join(',')}});export{${[...new Set(lateExports)].join(',')}};`;
  return { kept, late, localOf: (exported) => locals.get(exported), isLate: (local) => lateNames.has(local) };
}
