// The rules that keep the house (see CONTRIBUTING.md), as an oxlint plug-in:
//   rooms        who may import whom
//   determinism  nothing in src/cluster knows the wall clock, true randomness, timers or Promises
//   catalogued   every text that a person sees stands in a catalogue

import { dirname, resolve, sep } from 'node:path';

/** For each room, the rooms that it may import. A room may always import itself. */
const BELOW = {
  'cluster/sim': [],
  'cluster/api': ['cluster/sim'],
  'cluster/machine': ['cluster/api', 'cluster/sim'],
  'cluster/network': ['cluster/machine', 'cluster/api', 'cluster/sim'],
  'cluster/runtime': ['cluster/network', 'cluster/machine', 'cluster/api', 'cluster/sim'],
  'cluster/etcd': ['cluster/network', 'cluster/machine', 'cluster/api', 'cluster/sim'],
  'cluster/apiserver': ['cluster/etcd', 'cluster/network', 'cluster/machine', 'cluster/api', 'cluster/sim'],
  'cluster/client': ['cluster/network', 'cluster/machine', 'cluster/api', 'cluster/sim'],
};
const INFRASTRUCTURE = ['cluster/client', 'cluster/runtime', 'cluster/network', 'cluster/machine', 'cluster/api', 'cluster/sim'];
for (const room of ['scheduler', 'controllers', 'kubelet', 'dataplane', 'addons', 'images', 'network-tools']) BELOW[`cluster/${room}`] = INFRASTRUCTURE;
BELOW['cluster/images'] = [...INFRASTRUCTURE, 'cluster/network-tools'];
BELOW['cluster/bootstrap'] = Object.keys(BELOW);
BELOW.kubectl = [...INFRASTRUCTURE, 'cluster/images', 'cluster/bootstrap'];
BELOW.session = Object.keys(BELOW);
BELOW.lessons = ['session'];
BELOW.bridge = Object.keys(BELOW);
BELOW.bench = Object.keys(BELOW);
BELOW.ui = ['session', 'lessons'];

/** The page knows the worker by its protocol alone. */
const UI_MAY_IMPORT = /^session\/(protocol|worker)\.ts$/;

function roomOf(file) {
  const match = /^.*\/src\/((cluster\/[^/]+|[^/]+)\/.*)$/.exec(file.split(sep).join('/'));
  return match ? { room: match[2], path: match[1] } : null;
}

const rooms = {
  create(context) {
    const file = context.filename;
    const here = roomOf(file);
    if (!here || !(here.room in BELOW) || /\.test\.tsx?$/.test(file)) return {};
    const check = (node) => {
      const source = node.source?.value;
      if (typeof source !== 'string' || !source.startsWith('.')) return;
      const there = roomOf(resolve(dirname(file), source));
      if (!there || there.room === here.room || !(there.room in BELOW)) return;
      if (!BELOW[here.room].includes(there.room)) {
        context.report({ node, message: `${here.room} may not import from ${there.room}: see the order of the rooms in CONTRIBUTING.md.` });
      } else if (here.room === 'ui' && there.room === 'session' && !UI_MAY_IMPORT.test(there.path)) {
        context.report({ node, message: 'The page knows the worker by src/session/protocol.ts alone.' });
      }
    };
    return { ImportDeclaration: check, ExportNamedDeclaration: check, ExportAllDeclaration: check, ImportExpression: check };
  },
};

const FORBIDDEN_GLOBALS = new Set([
  'Date', 'Promise', 'setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'requestAnimationFrame', 'performance', 'crypto',
  'Intl', 'WeakRef', 'FinalizationRegistry', 'process', 'fetch',
]);
const LOCALE_METHODS = new Set(['localeCompare', 'toLocaleString', 'toLocaleLowerCase', 'toLocaleUpperCase']);

const determinism = {
  create(context) {
    const here = roomOf(context.filename);
    if (!here?.room.startsWith('cluster/') || context.filename.endsWith('.test.ts')) return {};
    const report = (node, what) => context.report({ node, message: `${what} does not exist in src/cluster: a run is a function of seed, topology and inputs.` });
    return {
      Identifier(node) {
        if (!FORBIDDEN_GLOBALS.has(node.name)) return;
        const parent = node.parent;
        const isName =
          (parent.type === 'MemberExpression' && parent.property === node && !parent.computed) ||
          (parent.type === 'Property' && parent.key === node && !parent.computed && !parent.shorthand) ||
          /^(PropertyDefinition|MethodDefinition|TSPropertySignature|TSMethodSignature|TSAbstractPropertyDefinition)$/.test(parent.type);
        if (isName) return;
        const scope = context.sourceCode.getScope(node);
        for (let s = scope; s; s = s.upper) {
          const variable = s.set.get(node.name);
          if (variable && variable.defs.length > 0) return;
        }
        report(node, node.name);
      },
      MemberExpression(node) {
        if (node.object.type === 'Identifier' && node.object.name === 'Math' && node.property.name === 'random') report(node, 'Math.random');
        if (!node.computed && LOCALE_METHODS.has(node.property.name)) report(node, `.${node.property.name}`);
      },
      FunctionDeclaration: (node) => node.async && report(node, 'async'),
      FunctionExpression: (node) => node.async && report(node, 'async'),
      ArrowFunctionExpression: (node) => node.async && report(node, 'async'),
    };
  },
};

const TEXT_ATTRIBUTES = new Set(['title', 'alt', 'placeholder', 'label', 'aria-label', 'aria-description', 'aria-roledescription', 'aria-valuetext']);
const HAS_WORD = /\p{L}{2,}/u;

const catalogued = {
  create(context) {
    const here = roomOf(context.filename);
    if (here?.room !== 'ui' || /\.test\.tsx?$/.test(context.filename)) return {};
    const report = (node) => context.report({ node, message: 'A text that a person sees belongs in the catalogues (src/ui/i18n), in both languages.' });
    return {
      JSXText: (node) => HAS_WORD.test(node.value) && report(node),
      JSXAttribute(node) {
        const name = node.name.type === 'JSXIdentifier' ? node.name.name : '';
        if (TEXT_ATTRIBUTES.has(name) && node.value?.type === 'Literal' && HAS_WORD.test(String(node.value.value))) report(node);
      },
      JSXExpressionContainer(node) {
        const e = node.expression;
        if (node.parent.type === 'JSXElement' && e.type === 'Literal' && typeof e.value === 'string' && HAS_WORD.test(e.value)) report(node);
      },
    };
  },
};

export default { meta: { name: 'house' }, rules: { rooms, determinism, catalogued } };
