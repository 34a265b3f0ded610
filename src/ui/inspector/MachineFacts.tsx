// A machine in full: its Node's condition, tables, interfaces, processes and images.

import { useT } from '../i18n/i18n.ts';
import { useIds, useRow, useScene } from '../scene/hooks.ts';
import { usePlayer } from '../state/player.ts';
import { CablePanel } from './CablePanel.tsx';

export function MachineFacts({ id }: { readonly id: string }) {
  const t = useT();
  const scene = useScene();
  const row = useRow(id, 'machine');
  const name = id.slice('machine/'.length);
  const processes = useIds(`processes@${name}`);
  const interfaces = useIds(`interfaces@${name}`);
  // Rows inside change without changing the membership; the clock brings them up to date while it runs.
  usePlayer((s) => Math.floor(s.clock.view / 1_000_000));
  if (!row) return <p className="panel-hint">{t('inspector.gone')}</p>;
  const facts: readonly (readonly [string, string])[] = [
    [t('inspector.machine.role'), row.role === 'control-plane' ? t('map.controlPlane') : row.role === 'worker' ? t('map.worker') : t('map.operator')],
    [t('inspector.machine.address'), row.address],
    [t('inspector.machine.ready'), `${row.ready}${row.readyReason === '' ? '' : ` (${row.readyReason})`}`],
    [t('inspector.machine.podCidr'), row.podCidr],
    [t('inspector.machine.version'), row.version],
    [t('inspector.machine.taints'), row.taints.join(', ') || t('inspector.machine.none')],
  ];
  return (
    <article className="inspector" tabIndex={0} data-testid="inspector" aria-label={name}>
      <header>
        <h2>{name}</h2>
        <p className="muted">{t('map.tablesTitle', row.tables)}</p>
      </header>
      <dl className="facts">
        {facts.map(([label, value]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <CablePanel id={id} />
      <h3>{t('inspector.machine.interfaces')}</h3>
      <table className="desired">
        <tbody>
          {interfaces.map((interfaceId) => {
            const device = scene.get(interfaceId);
            if (device?.type !== 'interface') return null;
            return (
              <tr key={interfaceId}>
                <td>
                  <code>{device.netns === 'host' ? device.name : `${device.netns} ${device.name}`}</code>
                </td>
                <td>{device.kind}</td>
                <td>{device.addresses.join(' ')}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
      <h3>{t('inspector.machine.processes')}</h3>
      <table className="desired">
        <tbody>
          {processes.map((processId) => {
            const process = scene.get(processId);
            if (process?.type !== 'process') return null;
            return (
              <tr key={processId}>
                <td>{process.pid}</td>
                <td>
                  <code>{process.comm}</code>
                </td>
                <td className="place">{process.place.split('/').slice(2).join('/')}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
      <h3>{t('inspector.machine.images')}</h3>
      <ul className="links">
        {row.images.map((image) => (
          <li key={image}>
            <code>{image}</code>
          </li>
        ))}
        {row.images.length === 0 && <li>{t('inspector.machine.none')}</li>}
      </ul>
    </article>
  );
}
