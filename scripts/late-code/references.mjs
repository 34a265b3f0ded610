// Which names of a module's top level a statement refers to: what it needs when it is evaluated, what only its functions need, what it
// assigns, and which names occur otherwise than called.

const isNode = (value) => value !== null && typeof value === 'object' && typeof value.type === 'string';
export const isFunction = (node) => /^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/.test(node.type);

export function childrenOf(node) {
  const children = [];
  for (const key in node) {
    const value = node[key];
    if (Array.isArray(value)) {
      for (const entry of value) if (isNode(entry)) children.push(entry);
    } else if (isNode(value)) children.push(value);
  }
  return children;
}

/** The names that a pattern binds. */
export function boundBy(pattern, into = []) {
  if (pattern === null) return into;
  switch (pattern.type) {
    case 'Identifier':
      into.push(pattern.name);
      break;
    case 'ObjectPattern':
      for (const property of pattern.properties) boundBy(property.type === 'RestElement' ? property.argument : property.value, into);
      break;
    case 'ArrayPattern':
      for (const element of pattern.elements) boundBy(element, into);
      break;
    case 'AssignmentPattern':
      boundBy(pattern.left, into);
      break;
    case 'RestElement':
      boundBy(pattern.argument, into);
      break;
  }
  return into;
}

function hoisted(node, into) {
  if (node.type === 'VariableDeclaration' && node.kind === 'var') for (const { id } of node.declarations) boundBy(id, into);
  for (const child of childrenOf(node)) if (!isFunction(child) && !child.type.startsWith('Class')) hoisted(child, into);
  return into;
}

function lexical(statements, into = []) {
  for (const statement of statements) {
    if (statement.type === 'VariableDeclaration') for (const { id } of statement.declarations) boundBy(id, into);
    else if (/^(Function|Class)Declaration$/.test(statement.type) && statement.id) into.push(statement.id.name);
  }
  return into;
}

/**
 * @param root a statement, a declarator or an expression of the top level
 * @param isTop whether a name is one of the top level
 * @param without nodes below it that do not count
 */
export function referencesOf(root, isTop, without = new Set()) {
  const found = { evaluated: new Set(), deep: new Set(), assigned: new Set(), asValue: new Set(), constructed: new Set() };
  const scopes = [];
  let depth = 0;

  const local = (name) => scopes.some((scope) => scope.has(name));
  const refer = (name, how) => {
    if (!isTop(name) || local(name)) return;
    (depth === 0 ? found.evaluated : found.deep).add(name);
    if (how === 'assigned') found.assigned.add(name);
    if (how === 'constructed') found.constructed.add(name);
    else if (how !== 'called') found.asValue.add(name);
  };
  const within = (names, visitor) => {
    scopes.push(new Set(names));
    visitor();
    scopes.pop();
  };
  const all = (nodes) => {
    for (const node of nodes) if (node) visit(node);
  };
  const assign = (pattern) => {
    if (pattern.type === 'Identifier') refer(pattern.name, 'assigned');
    else if (pattern.type === 'MemberExpression') visit(pattern);
    else if (pattern.type === 'AssignmentPattern') {
      assign(pattern.left);
      visit(pattern.right);
    } else if (pattern.type === 'RestElement') assign(pattern.argument);
    else if (pattern.type === 'ArrayPattern') {
      for (const element of pattern.elements) if (element) assign(element);
    }
    else if (pattern.type === 'ObjectPattern') {
      for (const property of pattern.properties) {
        if (property.computed) visit(property.key);
        assign(property.type === 'RestElement' ? property.argument : property.value);
      }
    } else visit(pattern);
  };
  /** The defaults and computed keys of a pattern that declares. */
  const defaults = (pattern) => {
    if (pattern === null) return;
    if (pattern.type === 'AssignmentPattern') {
      defaults(pattern.left);
      visit(pattern.right);
    } else if (pattern.type === 'RestElement') defaults(pattern.argument);
    else if (pattern.type === 'ArrayPattern') pattern.elements.forEach(defaults);
    else if (pattern.type === 'ObjectPattern') {
      for (const property of pattern.properties) {
        if (property.computed) visit(property.key);
        defaults(property.type === 'RestElement' ? property.argument : property.value);
      }
    }
  };
  const inFunction = (node) => {
    const names = node.params.flatMap((parameter) => boundBy(parameter));
    if (node.id) names.push(node.id.name);
    if (node.type !== 'ArrowFunctionExpression') names.push('arguments');
    if (node.body.type === 'BlockStatement') {
      hoisted(node.body, names);
      lexical(node.body.body, names);
    }
    depth++;
    within(names, () => {
      node.params.forEach(defaults);
      if (node.body.type === 'BlockStatement') all(node.body.body);
      else visit(node.body);
    });
    depth--;
  };
  const inClass = (node) => {
    if (node.superClass) visit(node.superClass);
    within(node.id ? [node.id.name] : [], () => {
      for (const member of node.body.body) {
        if (member.computed) visit(member.key);
        if (member.type === 'StaticBlock') all(member.body);
        else if (member.type === 'PropertyDefinition') {
          if (!member.static) depth++;
          if (member.value) visit(member.value);
          if (!member.static) depth--;
        } else if (member.value) visit(member.value);
      }
    });
  };

  function visit(node) {
    if (without.has(node)) return;
    switch (node.type) {
      case 'Identifier':
        refer(node.name, 'value');
        return;
      case 'CallExpression':
        if (node.callee.type === 'Identifier') refer(node.callee.name, 'called');
        else visit(node.callee);
        all(node.arguments);
        return;
      case 'NewExpression':
        if (node.callee.type === 'Identifier') refer(node.callee.name, 'constructed');
        else visit(node.callee);
        all(node.arguments);
        return;
      case 'BinaryExpression':
        visit(node.left);
        if (node.operator === 'instanceof' && node.right.type === 'Identifier') refer(node.right.name, 'constructed');
        else visit(node.right);
        return;
      case 'MemberExpression':
        visit(node.object);
        if (node.computed) visit(node.property);
        return;
      case 'Property':
        if (node.computed) visit(node.key);
        visit(node.value);
        return;
      case 'AssignmentExpression':
        assign(node.left);
        visit(node.right);
        return;
      case 'UpdateExpression':
        assign(node.argument);
        return;
      case 'FunctionDeclaration':
      case 'FunctionExpression':
      case 'ArrowFunctionExpression':
        inFunction(node);
        return;
      case 'ClassDeclaration':
      case 'ClassExpression':
        inClass(node);
        return;
      case 'VariableDeclarator':
        defaults(node.id);
        if (node.init) visit(node.init);
        return;
      case 'BlockStatement':
        within(lexical(node.body), () => all(node.body));
        return;
      case 'SwitchStatement':
        visit(node.discriminant);
        within(lexical(node.cases.flatMap((c) => c.consequent)), () => all(node.cases));
        return;
      case 'ForStatement':
        within(node.init?.type === 'VariableDeclaration' ? lexical([node.init]) : [], () => all([node.init, node.test, node.update, node.body]));
        return;
      case 'ForInStatement':
      case 'ForOfStatement':
        within(node.left.type === 'VariableDeclaration' ? lexical([node.left]) : [], () => {
          if (node.left.type === 'VariableDeclaration') visit(node.left);
          else assign(node.left);
          all([node.right, node.body]);
        });
        return;
      case 'CatchClause':
        within(boundBy(node.param), () => {
          defaults(node.param);
          visit(node.body);
        });
        return;
      case 'LabeledStatement':
        visit(node.body);
        return;
      case 'BreakStatement':
      case 'ContinueStatement':
      case 'MetaProperty':
        return;
      default:
        all(childrenOf(node));
    }
  }

  visit(root);
  return found;
}
