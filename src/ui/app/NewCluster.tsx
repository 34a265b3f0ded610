// Which cluster to begin with: how many machines, how large, the container runtime on them and the Pod network.

import { type FormEvent, useEffect, useRef, useState } from 'react';
import type { NetworkKind, RuntimeKind, Topology } from '../../session/protocol.ts';
import { useT } from '../i18n/i18n.ts';

const GIB = 2 ** 30;
const WORKERS = [1, 2, 3, 4, 5, 6, 8, 10, 12] as const;
const CPUS = [2, 4, 8, 16] as const;
const MEMORY = [2, 4, 8, 16, 32] as const;
const RUNTIMES = [
  { value: 'containerd', name: 'containerd' },
  { value: 'cri-o', name: 'CRI-O' },
  { value: 'docker', name: 'Docker (cri-dockerd)' },
] as const;
const NETWORKS = [
  { value: 'flannel', name: 'Flannel' },
  { value: 'calico', name: 'Calico' },
] as const;

interface Props {
  /** What the present cluster is made of. */
  readonly of: Topology | null;
  /** Null: no new cluster. */
  readonly onAnswer: (topology: Topology | null) => void;
}

export function NewCluster({ of, onAnswer }: Props) {
  const t = useT();
  const ref = useRef<HTMLDialogElement>(null);
  const [workers, setWorkers] = useState(of?.workers ?? 3);
  const [runtime, setRuntime] = useState<RuntimeKind>(of?.runtime ?? 'containerd');
  const [network, setNetwork] = useState<NetworkKind>(of?.network ?? 'flannel');
  const [cpus, setCpus] = useState(of?.cpus ?? 2);
  const [memory, setMemory] = useState((of?.memoryBytes ?? 4 * GIB) / GIB);
  useEffect(() => {
    ref.current?.showModal();
  }, []);
  const create = (event: FormEvent): void => {
    event.preventDefault();
    onAnswer({ controlPlanes: 1, workers, runtime, network, cpus, memoryBytes: memory * GIB });
  };
  return (
    <dialog ref={ref} className="confirm new-cluster" aria-labelledby="new-cluster-title" onCancel={() => onAnswer(null)} data-testid="new-cluster">
      <form onSubmit={create}>
        <h2 id="new-cluster-title">{t('newCluster.title')}</h2>
        <p>{t('newCluster.forgets')}</p>
        <div className="new-cluster-fields">
          <Choice label={t('newCluster.workers')} value={workers} options={WORKERS} onChoose={setWorkers} name="workers" />
          <label htmlFor="new-cluster-runtime">{t('newCluster.runtime')}</label>
          <select id="new-cluster-runtime" value={runtime} onChange={(e) => setRuntime(e.target.value as RuntimeKind)} data-testid="new-cluster-runtime">
            {RUNTIMES.map(({ value, name }) => (
              <option key={value} value={value}>
                {name}
              </option>
            ))}
          </select>
          <label htmlFor="new-cluster-network">{t('newCluster.network')}</label>
          <select id="new-cluster-network" value={network} onChange={(e) => setNetwork(e.target.value as NetworkKind)} data-testid="new-cluster-network">
            {NETWORKS.map(({ value, name }) => (
              <option key={value} value={value}>
                {name}
              </option>
            ))}
          </select>
          <Choice label={t('newCluster.cpus')} value={cpus} options={CPUS} onChoose={setCpus} name="cpus" />
          <Choice label={t('newCluster.memory')} value={memory} options={MEMORY} onChoose={setMemory} name="memory" text={(n) => t('newCluster.gib', { n })} />
        </div>
        <div className="confirm-answers">
          <button type="button" onClick={() => onAnswer(null)} data-testid="new-cluster-cancel">
            {t('newCluster.cancel')}
          </button>
          <button type="submit" className="primary" data-testid="new-cluster-create">
            {t('newCluster.create')}
          </button>
        </div>
      </form>
    </dialog>
  );
}

interface ChoiceProps {
  readonly label: string;
  readonly name: string;
  readonly value: number;
  readonly options: readonly number[];
  readonly onChoose: (n: number) => void;
  readonly text?: (n: number) => string;
}

/** A number out of a few; one that came by a link is among them too. */
function Choice({ label, name, value, options, onChoose, text = String }: ChoiceProps) {
  const shown = options.includes(value) ? options : [...options, value].toSorted((a, b) => a - b);
  return (
    <>
      <label htmlFor={`new-cluster-${name}`}>{label}</label>
      <select id={`new-cluster-${name}`} value={value} onChange={(e) => onChoose(Number(e.target.value))} data-testid={`new-cluster-${name}`}>
        {shown.map((n) => (
          <option key={n} value={n}>
            {text(n)}
          </option>
        ))}
      </select>
    </>
  );
}
