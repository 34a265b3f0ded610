// How the scheduler came to a node: all nodes, those that the filters left, their scores by plug-in, the one chosen.

import { Check, X } from 'lucide-react';
import { useT } from '../i18n/i18n.ts';
import type { FunnelNode, Funnel as FunnelData } from './funnel.ts';

export function Funnel({ funnel }: { readonly funnel: FunnelData }) {
  const t = useT();
  const { nodes, plugins, chosen, feasible } = funnel;
  return (
    <section data-testid="funnel">
      <h3>{t('payload.funnel')}</h3>
      <p>{t('payload.funnelSteps', { all: nodes.length, feasible, chosen: chosen === '' ? t('payload.noNode') : chosen })}</p>
      <ul className="funnel-nodes">
        {nodes.map((node) => (
          <li key={node.name}>
            {node.reasons.length === 0 ? <Check size={14} aria-hidden="true" /> : <X size={14} aria-hidden="true" />}
            <b>{node.name}</b> {node.reasons.length === 0 ? t('payload.passed') : node.reasons.join('; ')}
          </li>
        ))}
      </ul>
      {plugins.length > 0 && <Scores nodes={nodes.filter((node) => node.total !== null)} plugins={plugins} chosen={chosen} />}
    </section>
  );
}

interface ScoresProps {
  readonly nodes: readonly FunnelNode[];
  readonly plugins: readonly string[];
  readonly chosen: string;
}

function Scores({ nodes, plugins, chosen }: ScoresProps) {
  const t = useT();
  const mark = (node: FunnelNode): string => (node.name === chosen ? 'number chosen' : 'number');
  return (
    <div className="funnel-scores" role="region" aria-label={t('payload.scores')} tabIndex={0}>
      <table className="desired">
        <thead>
          <tr>
            <th scope="col">{t('payload.scores')}</th>
            {nodes.map((node) => (
              <th key={node.name} scope="col" className={mark(node)}>
                {node.name}
                {node.name === chosen && <Check size={13} aria-label={t('payload.chosen')} />}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {plugins.map((plugin) => (
            <tr key={plugin}>
              <th scope="row">{plugin}</th>
              {nodes.map((node) => (
                <td key={node.name} className={mark(node)}>
                  {node.scores[plugin] ?? ''}
                </td>
              ))}
            </tr>
          ))}
          <tr className="total">
            <th scope="row">{t('payload.total')}</th>
            {nodes.map((node) => (
              <td key={node.name} className={mark(node)}>
                {node.total}
              </td>
            ))}
          </tr>
        </tbody>
      </table>
    </div>
  );
}
