// Decides which units of a module can come late: those that nobody ran or needs until then.

/** A function shorter than this costs as much to leave out: characters. */
const SMALLEST = { called: 40, passed: 70 };

/**
 * @param units units.mjs
 * @param ran whether anything between two offsets ran
 * @returns {hot: Set of units that stay, stubs: Map from name to 'function' | 'wrapper' | 'class'}: names of late units that units which
 * stay refer to
 */
export function planOf(units, ran) {
  const owner = new Map();
  for (const unit of units) for (const name of unit.names) owner.set(name, unit);
  const hot = new Set();
  const queue = [];
  const keep = (unit) => {
    if (unit === undefined || hot.has(unit)) return;
    hot.add(unit);
    queue.push(unit);
  };
  /** Whether a unit that stays can refer to this one although it comes late. */
  const canBeStub = (unit, by, name) => {
    if (!unit.movable) return false;
    if (unit.kind === 'function') return !by.refs.assigned.has(name);
    // A class may be made and asked for; what else is done with it is not known.
    return unit.kind === 'class' && !by.refs.asValue.has(name) && !by.refs.evaluated.has(name);
  };
  const settle = () => {
    for (let unit = queue.pop(); unit !== undefined; unit = queue.pop()) {
      for (const names of [unit.refs.evaluated, unit.refs.deep]) {
        for (const name of names) {
          const other = owner.get(name);
          if (other !== undefined && !canBeStub(other, unit, name)) keep(other);
        }
      }
    }
  };

  for (const unit of units) if (!unit.movable || ((unit.kind === 'function' || unit.kind === 'class') && ran(unit.start, unit.end))) keep(unit);
  settle();
  for (let changed = true; changed; ) {
    changed = false;
    const wanted = wantedBy(hot);
    for (const unit of units) {
      if (hot.has(unit)) continue;
      // Only the module itself may assign its variables.
      const assigns = [...unit.refs.assigned].some((name) => hot.has(owner.get(name)));
      const want = unit.names.map((name) => wanted.get(name)).find((w) => w !== undefined);
      const small = want !== undefined && unit.end - unit.start < SMALLEST[want.passed ? 'passed' : 'called'];
      if (assigns || small) {
        keep(unit);
        changed = true;
      }
    }
    settle();
  }

  const stubs = new Map();
  for (const [name, want] of wantedBy(hot)) {
    const unit = owner.get(name);
    if (unit !== undefined && !hot.has(unit)) stubs.set(name, unit.kind === 'class' ? 'class' : want.passed ? 'wrapper' : 'function');
  }
  return { hot, stubs };
}

/** The names that units refer to, and whether the value itself is passed on somewhere. */
function wantedBy(units) {
  const wanted = new Map();
  for (const { refs } of units) {
    for (const names of [refs.evaluated, refs.deep]) {
      for (const name of names) {
        const passed = refs.asValue.has(name) || refs.evaluated.has(name);
        wanted.set(name, { passed: passed || (wanted.get(name)?.passed ?? false) });
      }
    }
  }
  return wanted;
}
