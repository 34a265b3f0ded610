// Everything in the cluster by namespace and kind: the way in for keyboard and screen reader, and the search.

import { ChevronDown, ChevronRight } from 'lucide-react';
import { type KeyboardEvent, memo, useMemo, useRef, useState } from 'react';
import type { ObjectRow, PodRow } from '../../session/protocol.ts';
import { useT } from '../i18n/i18n.ts';
import { Mark, type MarkState, podState } from '../map/Mark.tsx';
import { useIds, useRow, useScene } from '../scene/hooks.ts';
import { useUi } from '../state/ui.ts';
import { groupRows, type KindGroup, matches, type NamespaceGroup } from './groups.ts';

/** A kind with more objects than this starts folded, and never shows more than the second number at once. */
const FOLD_ABOVE = 30;
const MOST = 300;
export const SEARCH_ID = 'object-search';

export function ObjectTree() {
  const t = useT();
  const scene = useScene();
  const objects = useIds('objects');
  const pods = useIds('pods');
  const machines = useIds('machines');
  const withSystem = useUi((s) => s.systemObjects);
  const set = useUi((s) => s.set);
  const [query, setQuery] = useState('');
  const [folds, setFolds] = useState<ReadonlyMap<string, boolean>>(new Map());
  const list = useRef<HTMLDivElement>(null);

  const groups = useMemo(() => {
    const rows = [...pods, ...objects].flatMap((id) => {
      const row = scene.get(id);
      return row?.type === 'pod' || row?.type === 'object' ? [row as ObjectRow | PodRow] : [];
    });
    return groupRows(rows, query.trim(), withSystem);
  }, [scene, objects, pods, query, withSystem]);
  const shownMachines = machines.filter((id) => {
    const row = scene.get(id);
    return row?.type === 'machine' && row.role !== 'operator' && matches(row, query.trim());
  });

  const isOpen = (key: string, byDefault: boolean): boolean => folds.get(key) ?? (byDefault || query !== '');
  const toggle = (key: string, open: boolean): void => setFolds((before) => new Map(before).set(key, !open));

  const onKeyDown = (event: KeyboardEvent): void => {
    const items = [...(list.current?.querySelectorAll<HTMLElement>('[role="treeitem"] > button') ?? [])];
    const here = items.indexOf(document.activeElement as HTMLElement);
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    const item = items[here]?.parentElement;
    if (step !== 0) items[Math.max(0, Math.min(items.length - 1, here + step))]?.focus();
    else if (event.key === 'ArrowRight' && item?.getAttribute('aria-expanded') === 'false') items[here]?.click();
    else if (event.key === 'ArrowLeft' && item?.getAttribute('aria-expanded') === 'true') items[here]?.click();
    else if (event.key === 'Home') items[0]?.focus();
    else if (event.key === 'End') items.at(-1)?.focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <nav className="tree-panel" aria-label={t('panels.objects')} data-testid="objects">
      <div className="tree-head">
        <input
          id={SEARCH_ID}
          type="search"
          value={query}
          placeholder={t('top.search')}
          aria-label={t('tree.filter')}
          onChange={(e) => setQuery(e.target.value)}
          onKeyDown={(e) => {
            if (e.key === 'Escape') e.currentTarget.blur();
            if (e.key === 'ArrowDown') list.current?.querySelector<HTMLElement>('[role="treeitem"] > button')?.focus();
          }}
          data-testid="search"
        />
      </div>
      <div
        className="tree"
        role="tree"
        aria-label={t('panels.objects')}
        ref={list}
        tabIndex={0}
        onFocus={(e) => {
          if (e.target !== e.currentTarget) return;
          const chosen = e.currentTarget.querySelector<HTMLElement>('[aria-selected="true"] > button');
          (chosen ?? e.currentTarget.querySelector<HTMLElement>('[role="treeitem"] > button'))?.focus();
        }}
        onKeyDown={onKeyDown}
      >
        {shownMachines.length > 0 && (
          <Branch label={t('tree.machines')} count={shownMachines.length} level={1} open={isOpen('machines', true)} onToggle={() => toggle('machines', isOpen('machines', true))}>
            {shownMachines.map((id) => (
              <MachineLeaf key={id} id={id} />
            ))}
          </Branch>
        )}
        {groups.map((group) => (
          <Namespace key={group.key} group={group} isOpen={isOpen} toggle={toggle} />
        ))}
        {groups.length === 0 && shownMachines.length === 0 && <p className="panel-hint">{t('tree.empty')}</p>}
      </div>
      <label className="tree-foot">
        <input type="checkbox" checked={withSystem} onChange={(e) => set({ systemObjects: e.target.checked })} data-testid="system-objects" />
        {t('tree.system')}
      </label>
    </nav>
  );
}

interface Folding {
  readonly isOpen: (key: string, byDefault: boolean) => boolean;
  readonly toggle: (key: string, open: boolean) => void;
}

function Namespace({ group, isOpen, toggle }: Folding & { readonly group: NamespaceGroup }) {
  const t = useT();
  const open = isOpen(group.key, !group.system);
  return (
    <Branch label={group.namespace === '' ? t('tree.clusterScoped') : group.namespace} count={group.count} level={1} open={open} onToggle={() => toggle(group.key, open)}>
      {group.kinds.map((kind) => (
        <Kind key={kind.key} group={kind} open={isOpen(kind.key, kind.rows.length <= FOLD_ABOVE && !group.system)} toggle={toggle} />
      ))}
    </Branch>
  );
}

function Kind({ group, open, toggle }: { readonly group: KindGroup; readonly open: boolean; readonly toggle: Folding['toggle'] }) {
  const t = useT();
  return (
    <Branch label={group.kind} count={group.rows.length} level={2} open={open} onToggle={() => toggle(group.key, open)}>
      {group.rows.slice(0, MOST).map((row) => (
        <Leaf key={row.id} id={row.id} />
      ))}
      {group.rows.length > MOST && <p className="panel-hint">{t('map.more', { count: group.rows.length - MOST })}</p>}
    </Branch>
  );
}

interface BranchProps {
  readonly label: string;
  readonly count: number;
  readonly level: 1 | 2;
  readonly open: boolean;
  readonly onToggle: () => void;
  readonly children: React.ReactNode;
}

function Branch({ label, count, level, open, onToggle, children }: BranchProps) {
  return (
    <div role="treeitem" aria-expanded={open} aria-level={level} aria-label={label} className={`branch level-${level}`}>
      <button type="button" tabIndex={-1} onClick={onToggle}>
        {open ? <ChevronDown size={14} aria-hidden="true" /> : <ChevronRight size={14} aria-hidden="true" />}
        <span className="branch-label">{label}</span>
        <span className="count">{count}</span>
      </button>
      {open && (
        <div role="group">
          {children}
        </div>
      )}
    </div>
  );
}

const Leaf = memo(function Leaf({ id }: { readonly id: string }) {
  const pod = useRow(id, 'pod');
  const object = useRow(id, 'object');
  const row = pod ?? object;
  if (!row) return null;
  return <Item id={id} name={row.name} state={pod ? podState(pod) : (object?.health ?? 'idle')} extra={pod ? pod.readyText : (object?.summary ?? '')} level={3} />;
});

const MachineLeaf = memo(function MachineLeaf({ id }: { readonly id: string }) {
  const row = useRow(id, 'machine');
  if (!row) return null;
  const state = row.ready === 'True' ? 'ok' : row.ready === 'Absent' ? 'waiting' : 'failed';
  return <Item id={id} name={row.name} state={state} extra={row.address} level={2} />;
});

interface ItemProps {
  readonly id: string;
  readonly name: string;
  readonly state: MarkState;
  readonly extra: string;
  readonly level: number;
}

function Item({ id, name, state, extra, level }: ItemProps) {
  const selected = useUi((s) => s.selected === id);
  const select = useUi((s) => s.select);
  return (
    <div role="treeitem" aria-level={level} aria-selected={selected} aria-label={`${name} ${extra}`} className={`leaf level-${level} ${selected ? 'selected' : ''}`}>
      <button type="button" tabIndex={-1} onClick={() => select(id)} title={name} data-testid="tree-item" data-id={id}>
        <Mark state={state} size={10} />
        <span className="leaf-name">{name}</span>
        <span className="leaf-extra">{extra}</span>
      </button>
    </div>
  );
}
