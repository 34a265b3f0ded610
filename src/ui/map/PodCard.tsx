// A Pod in its slot: name and status; near by also its pause container, address, containers and volumes. It takes no tab stop:
// for the keyboard there is the list of objects.

import { memo } from 'react';
import type { ContainerRow, PodRow } from '../../session/protocol.ts';
import { shorten } from '../app/format.ts';
import { useT } from '../i18n/i18n.ts';
import { useRow } from '../scene/hooks.ts';
import { useUi } from '../state/ui.ts';
import { useLit, useZoom } from './context.ts';
import { Mark, type MarkState, podState } from './Mark.tsx';

interface Props {
  readonly id: string;
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

export const PodCard = memo(function PodCard({ id, x, y, w, h }: Props) {
  const pod = useRow(id, 'pod');
  const selected = useUi((s) => s.selected === id);
  const select = useUi((s) => s.select);
  const lit = useLit(id);
  const zoom = useZoom();
  const t = useT();
  if (!pod) return null;
  const state = podState(pod);
  return (
    <button
      type="button"
      tabIndex={-1}
      className={`pod pod-${state} ${lit} ${selected ? 'selected' : ''}`}
      style={{ left: x, top: y, width: w, height: h }}
      data-testid="pod"
      data-pod={pod.name}
      data-state={state}
      aria-pressed={selected}
      aria-label={t('map.pod', { name: pod.name, status: pod.status, ready: pod.readyText })}
      title={pod.name}
      onClick={() => select(id)}
    >
      {zoom === 'far' ? <Mark state={state} size={22} /> : <Face pod={pod} state={state} inside={zoom === 'near'} />}
    </button>
  );
});

function Face({ pod, state, inside }: { readonly pod: PodRow; readonly state: MarkState; readonly inside: boolean }) {
  const t = useT();
  if (!inside) {
    return (
      <>
        <span className="pod-name">{shortName(pod)}</span>
        <span className="pod-status">
          <Mark state={state} />
          <span className="pod-word">{pod.status}</span>
          <span className="pod-ready">{pod.readyText}</span>
        </span>
      </>
    );
  }
  return (
    <span className="pod-inside">
      <span className="pod-name">{pod.name}</span>
      <span className="pod-status">
        <Mark state={state} size={7} />
        <span className="pod-word">{pod.status}</span>
        <span className="pod-ready">{pod.readyText}</span>
        <span className="pod-ip">{pod.ip === '' ? t('map.noAddress') : pod.hostNetwork ? pod.ip : `eth0 ${pod.ip}`}</span>
      </span>
      <span className="pod-containers">
        {!pod.hostNetwork && <span className={`container ${pod.ip === '' ? 'container-waiting' : 'container-running'}`}>{t('map.pause')}</span>}
        {pod.containers.filter(inSight).map((container) => (
          <span key={`${container.kind}/${container.name}`} className={`container container-${container.state}`} title={container.image}>
            <Mark state={containerState(container)} size={6} />
            {container.name}
          </span>
        ))}
        {pod.volumes.map((volume) => (
          <span key={`volume/${volume.name}`} className="container volume" title={`${volume.kind} ${volume.source}`.trimEnd()}>
            {volume.name}
          </span>
        ))}
      </span>
    </span>
  );
}

/** An init container that has done its work no longer stands in the Pod. */
const inSight = (container: ContainerRow): boolean => !(container.kind === 'init' && container.state === 'terminated' && container.reason === 'Completed');

function containerState(container: ContainerRow): MarkState {
  if (container.state === 'running') return 'ok';
  if (container.state === 'terminated') return container.reason === 'Completed' ? 'idle' : 'failed';
  return container.reason === '' || container.reason === 'ContainerCreating' || container.reason === 'PodInitializing' ? 'waiting' : 'failed';
}

const STATIC = /-control-plane-\d+$/;
const LENGTH = 15;

/** Static Pods go by their component; the others by what owns them and their unique end. */
function shortName(pod: PodRow): string {
  const name = /^kube-(?:system|flannel)$/.test(pod.namespace) ? pod.name.replace(/^kube-/, '') : pod.name;
  if (STATIC.test(name)) return shorten(name.replace(STATIC, '').replace('controller-manager', 'controllers'), LENGTH);
  const [kind, owner = ''] = pod.owner.split('/');
  if (name.length <= LENGTH || owner === '') return shorten(name, LENGTH);
  const end = pod.name.slice(owner.length + 1);
  const base = name.slice(0, name.length - end.length - 1).replace(kind === 'ReplicaSet' ? /-[^-]+$/ : /-ds$/, '');
  return `${base.slice(0, Math.max(3, LENGTH - 1 - end.length))}…${end}`;
}
