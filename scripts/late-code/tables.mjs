// The functions inside tables that can come late although the table stays: each leaves an entry that asks for it by number.

import { childrenOf, isFunction, referencesOf } from './references.mjs';

/** A function shorter than this costs as much to leave out: characters. */
const SMALLEST = 45;

/** Whether an arrow function takes something from around it that a function elsewhere would not see. */
function usesSurroundings(node) {
  if (node.type === 'ThisExpression' || node.type === 'Super' || node.type === 'MetaProperty') return true;
  if (node.type === 'Identifier' && node.name === 'arguments') return true;
  return childrenOf(node).some((child) => (child.type !== 'ArrowFunctionExpression' && isFunction(child) ? uses(child, 'Super') : usesSurroundings(child)));
}

const uses = (node, type) => node.type === type || childrenOf(node).some((child) => uses(child, type));

/** The outermost functions of a value, each with the place that it can be taken from. */
function* functionsIn(node) {
  for (const child of childrenOf(node)) {
    if (child.type === 'Property' && isFunction(child.value)) {
      if (child.kind === 'init' && !child.computed && (child.key.type === 'Identifier' || child.key.type === 'Literal')) yield { place: child.method ? child : child.value, value: child.value };
    } else if (isFunction(child)) yield { place: child, value: child };
    else if (!child.type.startsWith('Class')) yield* functionsIn(child);
  }
}

/** @returns the functions that can be taken from a variable's value, as [{place, value}] */
export function lateEntries(unit, ran, isTop) {
  if (unit.kind !== 'value' || unit.node.type !== 'VariableDeclarator' || !unit.node.init) return [];
  return [...functionsIn(unit.node.init)].filter(({ place, value }) => {
    if (place.end - place.start < SMALLEST || ran(place.start, place.end)) return false;
    if (value.type === 'ArrowFunctionExpression' ? usesSurroundings(value) : uses(value, 'Super')) return false;
    return referencesOf(value, isTop).assigned.size === 0;
  });
}

/** How an entry is written that asks for function `number`, and the function itself. */
export function entryText(text, { place, value }, number, ask) {
  if (place === value) return { rest: `${ask}(${number})`, late: text.slice(value.start, value.end) };
  const key = text.slice(place.key.start, place.key.end);
  return { rest: `${key}:${ask}(${number})`, late: `({${text.slice(place.start, place.end)}})${place.key.type === 'Identifier' ? `.${key}` : `[${key}]`}` };
}
