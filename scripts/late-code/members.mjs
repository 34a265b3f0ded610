// The methods of a class that can come late although the class stays. For them its private names become ordinary ones that nobody else
// uses: only the text of the class itself may name a private member.

import { childrenOf, referencesOf } from './references.mjs';

/** A method shorter than this costs as much to leave out: characters. */
const SMALLEST = 50;

/** How many classes of the module stand above one. */
function depthOf(node, classes) {
  let depth = 0;
  for (let above = node.superClass; above?.type === 'Identifier' && classes.has(above.name); above = classes.get(above.name).superClass) depth++;
  return depth;
}

function uses(node, type) {
  return node.type === type || childrenOf(node).some((child) => uses(child, type));
}

const privateNames = (node) => new Set(node.body.body.map((member) => member.key).filter((key) => key?.type === 'PrivateIdentifier').map((key) => key.name));

/** Where private names of the class stand in it. */
function privateUses(node, names, into = []) {
  for (const child of childrenOf(node)) {
    if (child.type === 'PrivateIdentifier') {
      if (names.has(child.name)) into.push({ node: child, inExpression: node.type === 'BinaryExpression' && node.left === child, isKey: node.key === child && (node.static || node.value?.async || /^[gs]et$/.test(node.kind)) });
    } else if (/^Class(Expression|Declaration)$/.test(child.type)) {
      const own = privateNames(child);
      privateUses(child, new Set([...names].filter((name) => !own.has(name))), into);
    } else privateUses(child, names, into);
  }
  return into;
}

/**
 * @param stays the units that stay
 * Takes from every class among them the methods that nobody ran.
 * @returns for each class unit concerned {rest, members, edits}: nodes, and the changes of the text that make private names ordinary
 */
export function lateMembers(units, stays, ran, isTop) {
  const classes = new Map();
  for (const unit of units) if (unit.kind === 'class') classes.set(unit.names[0], unit.node.type === 'VariableDeclarator' ? unit.node.init : unit.node);
  const found = new Map();
  for (const unit of units) {
    if (unit.kind !== 'class' || !stays.has(unit)) continue;
    const node = classes.get(unit.names[0]);
    const inner = node.id?.name;
    const members = node.body.body.filter((member) => {
      if (member.type !== 'MethodDefinition' || member.kind === 'constructor' || member.computed || member.key.type === 'Literal') return false;
      if (member.end - member.start < SMALLEST || ran(member.start, member.end) || uses(member, 'Super')) return false;
      // Both or neither of a getter and a setter: they are one property.
      if (node.body.body.some((other) => other !== member && other.key?.name === member.key.name && other.key.type === member.key.type)) return false;
      const refs = referencesOf(member.value, (other) => isTop(other) || other === inner);
      return refs.assigned.size === 0 && !(inner !== undefined && inner !== unit.names[0] && refs.deep.has(inner));
    });
    if (members.length === 0) continue;
    const sign = '$'.repeat(depthOf(node, classes) + 1);
    const edits = privateUses(node, privateNames(node)).map(({ node: name, inExpression, isKey }) => ({
      start: name.start,
      end: name.end,
      // The space parts it from a `get` or `static` that stands before it.
      text: inExpression ? `"${sign}${name.name}"` : isKey ? ` ${sign}${name.name}` : `${sign}${name.name}`,
    }));
    found.set(unit, { node, members, edits, nameOf: (member) => (member.key.type === 'PrivateIdentifier' ? `${sign}${member.key.name}` : member.key.name) });
  }
  return found;
}
