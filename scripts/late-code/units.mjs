// A bundled module as a list of units: the top-level functions, classes and variables that could stand elsewhere, and the statements
// that could not.

import { boundBy, childrenOf, isFunction, referencesOf } from './references.mjs';

const PURE_CONSTRUCTORS = /^(Set|Map|WeakMap|WeakSet|RegExp|Error|Uint8Array|Uint16Array|Uint32Array|Int32Array|BigUint64Array|TextEncoder|TextDecoder)$/;
const PURE_CALLS = /^(Object\.freeze|Object\.keys|Object\.values|Object\.entries|Object\.fromEntries|Uint8Array\.from|Uint32Array\.from|BigUint64Array\.from|BigInt|Symbol|Number|String)$/;

/** Methods that change nothing, whatever they are called on. */
const PURE_METHODS = new Set(
  'at charAt charCodeAt codePointAt concat endsWith entries every filter find flat flatMap freeze from fromEntries get has includes indexOf isArray join keys lastIndexOf map match matchAll of padStart reduce replace replaceAll slice some split startsWith substring test toLowerCase toSorted toString toUpperCase trim values'.split(' '),
);

/** The functions of the top level that only compute something from what they get. */
function pureFunctions(functions, isTop) {
  const known = new Map();
  const visit = (node, depth) => {
    switch (node.type) {
      case 'UpdateExpression':
        return node.argument.type === 'Identifier' && !isTop(node.argument.name);
      case 'AssignmentExpression':
        if (node.left.type !== 'Identifier' || isTop(node.left.name)) return false;
        break;
      case 'YieldExpression':
      case 'AwaitExpression':
      case 'TaggedTemplateExpression':
        return false;
      case 'NewExpression':
        if (!PURE_CONSTRUCTORS.test(nameOf(node.callee))) return false;
        break;
      case 'CallExpression': {
        const { callee } = node;
        const pure =
          callee.type === 'MemberExpression' ? !callee.computed && PURE_METHODS.has(callee.property.name) : callee.type === 'Identifier' && (PURE_CALLS.test(callee.name) || isPureFunction(callee.name, depth + 1));
        if (!pure) return false;
        break;
      }
      default:
    }
    return childrenOf(node).every((child) => visit(child, depth));
  };
  function isPureFunction(name, depth = 0) {
    const answer = known.get(name);
    if (answer !== undefined) return answer;
    const node = functions.get(name);
    // A function that calls itself, or a long way of calls: not worth knowing.
    if (node === undefined || depth > 4) return false;
    known.set(name, false);
    const pure = !node.generator && !node.async && visit(node.body, depth);
    known.set(name, pure);
    return pure;
  }
  return (name) => isPureFunction(name);
}

const nameOf = (node) =>
  node.type === 'Identifier' ? node.name : node.type === 'MemberExpression' && !node.computed ? `${nameOf(node.object)}.${node.property.name}` : '?';

/** Whether it makes no difference when, or whether, an expression is evaluated. */
function isPure(node, isTop, isPureFunction) {
  if (node === null) return true;
  const pure = (other) => isPure(other, isTop, isPureFunction);
  switch (node.type) {
    case 'FunctionDeclaration':
    case 'FunctionExpression':
    case 'ArrowFunctionExpression':
    case 'Literal':
    case 'Identifier':
      return true;
    case 'MemberExpression':
      return pure(node.object) && (!node.computed || pure(node.property));
    case 'TemplateLiteral':
      return node.expressions.every(pure);
    case 'ArrayExpression':
      return node.elements.every((e) => e === null || pure(e));
    case 'ObjectExpression':
      return node.properties.every((p) => (p.type === 'SpreadElement' ? pure(p.argument) : (!p.computed || pure(p.key)) && pure(p.value)));
    case 'SpreadElement':
    case 'UnaryExpression':
      return node.operator !== 'delete' && pure(node.argument);
    case 'BinaryExpression':
    case 'LogicalExpression':
      return pure(node.left) && pure(node.right);
    case 'ConditionalExpression':
      return pure(node.test) && pure(node.consequent) && pure(node.alternate);
    case 'NewExpression':
      return node.callee.type === 'Identifier' && !isTop(node.callee.name) && PURE_CONSTRUCTORS.test(node.callee.name) && node.arguments.every(pure);
    case 'CallExpression':
      return (PURE_CALLS.test(nameOf(node.callee)) || (node.callee.type === 'Identifier' && isPureFunction(node.callee.name))) && node.arguments.every(pure);
    case 'ClassDeclaration':
    case 'ClassExpression':
      return pure(node.superClass) && node.body.body.every((m) => m.type !== 'StaticBlock' && !m.computed && !(m.type === 'PropertyDefinition' && m.static && !pure(m.value)));
    default:
      return false;
  }
}

const kindOf = (node) => (node === null ? 'value' : /Function/.test(node.type) ? 'function' : node.type.startsWith('Class') ? 'class' : 'value');

/**
 * @param program the module's syntax tree
 * @returns units: {node, start, end, names, kind, movable, refs, keyword}; other: import and export statements
 */
export function unitsOf(program) {
  const top = new Set();
  for (const statement of program.body) {
    if (statement.type === 'VariableDeclaration') for (const { id } of statement.declarations) for (const name of boundBy(id)) top.add(name);
    else if (statement.type === 'ImportDeclaration') for (const { local } of statement.specifiers) top.add(local.name);
    else if (statement.id) top.add(statement.id.name);
  }
  const isTop = (name) => top.has(name);
  const functions = new Map();
  for (const statement of program.body) {
    if (statement.type === 'FunctionDeclaration') functions.set(statement.id.name, statement);
    else if (statement.type === 'VariableDeclaration') for (const { id, init } of statement.declarations) if (id.type === 'Identifier' && init && isFunction(init)) functions.set(id.name, init);
  }
  const isPureFunction = pureFunctions(functions, isTop);
  const units = [];
  const other = [];
  const add = (node, names, value, extra = {}) =>
    units.push({ node, start: node.start, end: node.end, names, kind: kindOf(value), movable: isPure(value, isTop, isPureFunction), refs: referencesOf(node, isTop), ...extra });
  for (const statement of program.body) {
    switch (statement.type) {
      case 'ImportDeclaration':
      case 'ExportNamedDeclaration':
        other.push(statement);
        break;
      case 'FunctionDeclaration':
      case 'ClassDeclaration':
        add(statement, [statement.id.name], statement);
        break;
      case 'VariableDeclaration':
        for (const declarator of statement.declarations) {
          const plain = declarator.id.type === 'Identifier';
          add(declarator, boundBy(declarator.id), plain ? declarator.init : null, { keyword: statement.kind, ...(plain ? {} : { movable: false }) });
        }
        break;
      default:
        add(statement, [], null, { movable: false });
    }
  }
  return { units, other, isTop };
}
