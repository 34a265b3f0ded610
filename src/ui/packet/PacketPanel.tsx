// Ask the packet: who to whom, what would become of it, and every hop with the rows that decided.

import { ChevronLeft, ChevronRight, Copy, MapPin, MapPinOff, Send, TriangleAlert } from 'lucide-react';
import { useEffect, useId, useMemo, useState } from 'react';
import type { PacketAnswer, PacketChoice, PacketEnd, PacketEnds, TracedPacket } from '../../session/protocol.ts';
import { clockText } from '../app/format.ts';
import { usePlayerApi } from '../session/context.ts';
import { usePlayer } from '../state/player.ts';
import { useUi } from '../state/ui.ts';
import '../styles/packet.css';
import { ask, showTraced, toFailure, written } from './ask.ts';
import { DnsTable, HopTable } from './Hops.tsx';
import { stepsOf } from './steps.ts';
import { goToHop, hidePacket, type ProtocolChoice, usePacket } from './store.ts';
import { useWords } from './useWords.ts';
import { destinationText, failureOf, lossText, outcomeText, senderText, sourceText, stepText } from './words.ts';

const PROTOCOLS = ['tcp', 'udp', 'icmp'] as const;
const NO_ENDS: PacketEnds = { from: [], to: [] };

/** Packets that really flowed, in the line of the tabs. */
export function PacketHead() {
  return (
    <div className="flow-head">
      <Flowed />
    </div>
  );
}

export function PacketPanel({ withHead = false }: { readonly withHead?: boolean }) {
  const answer = usePacket((s) => s.answer);
  const { ends, refresh } = useEnds();
  const w = useWords();
  return (
    <div className="packet-panel" data-testid="packet-panel">
      {withHead && <PacketHead />}
      <div className="packet-scroll" tabIndex={0} role="region" aria-label={w.title}>
        <Question ends={ends} refresh={refresh} />
        {answer === null ? <p className="panel-hint">{w.intro}</p> : <Answer answer={answer} ends={ends} />}
      </div>
    </div>
  );
}

/** Who may send and be asked for: fetched when the panel opens, and again when a field is entered. */
function useEnds(): { readonly ends: PacketEnds; readonly refresh: () => void } {
  const player = usePlayerApi();
  const ready = usePlayer((s) => s.status.type === 'ready' && s.clock.booted);
  const [ends, setEnds] = useState(NO_ENDS);
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    if (!ready) return;
    let wanted = true;
    void player.query((api) => api.packetEnds()).then((found) => {
      if (!wanted || !found) return;
      setEnds(found);
      firstGuess(found);
    });
    return () => {
      wanted = false;
    };
  }, [player, ready, turn]);
  return { ends, refresh: () => setTurn((n) => n + 1) };
}

/** Something sensible in empty fields: the Pod that is selected or the first one, and the first Service. */
function firstGuess({ from, to }: PacketEnds): void {
  const { selected } = useUi.getState();
  const pod = selected.startsWith('object/pods/') ? `pod/${selected.slice(12)}` : '';
  const own = (end: PacketEnd): boolean => !end.namespace.startsWith('kube-');
  const sender = from.find((e) => e.value === pod) ?? from.find((e) => e.kind === 'pod' && own(e)) ?? from.find((e) => e.kind === 'outside');
  const target = to.find((e) => e.kind === 'name' && own(e) && e.name !== 'kubernetes') ?? to.find((e) => e.kind === 'name' && e.name === 'kubernetes');
  usePacket.setState((s) => ({ from: s.from === '' ? (sender?.value ?? '') : s.from, to: s.to === '' ? (target?.value ?? '') : s.to }));
}

function Question({ ends, refresh }: { readonly ends: PacketEnds; readonly refresh: () => void }) {
  const w = useWords();
  const player = usePlayerApi();
  const id = useId();
  const { from, to, protocol, port, size, busy } = usePacket();
  const label = (end: PacketEnd): string => (end.kind === 'outside' ? `${end.address} ${w.outside}` : end.address);
  return (
    <form
      className="packet-question"
      onSubmit={(event) => {
        event.preventDefault();
        if (!busy) void ask(player, written(ends.from));
      }}
    >
      <label className="packet-end">
        <span>{w.from}</span>
        <input type="text" list={`${id}-from`} value={from} placeholder={w.fromHint} autoComplete="off" spellCheck={false} onFocus={refresh} onChange={(e) => usePacket.setState({ from: e.target.value })} data-testid="packet-from" required />
      </label>
      <datalist id={`${id}-from`}>
        {ends.from.map((end) => (
          <option key={end.value} value={end.value}>
            {label(end)}
          </option>
        ))}
      </datalist>
      <label className="packet-end">
        <span>{w.to}</span>
        <input type="text" list={`${id}-to`} value={to} placeholder={w.toHint} autoComplete="off" spellCheck={false} onFocus={refresh} onChange={(e) => usePacket.setState({ to: e.target.value })} data-testid="packet-to" required />
      </label>
      <datalist id={`${id}-to`}>
        {ends.to.map((end) => (
          <option key={end.value} value={end.value}>
            {label(end)}
          </option>
        ))}
      </datalist>
      <label>
        <span>{w.protocol}</span>
        <select value={protocol} onChange={(e) => usePacket.setState({ protocol: e.target.value as ProtocolChoice })} data-testid="packet-protocol">
          <option value="">{w.asWritten}</option>
          {PROTOCOLS.map((name) => (
            <option key={name} value={name}>
              {name.toUpperCase()}
            </option>
          ))}
        </select>
      </label>
      <label>
        <span>{w.port}</span>
        <input type="text" inputMode="numeric" className="packet-port" value={port} placeholder={w.portHint} disabled={protocol === 'icmp'} onChange={(e) => usePacket.setState({ port: e.target.value })} data-testid="packet-port" />
      </label>
      <label title={w.sizeHint}>
        <span>{w.size}</span>
        <input type="text" inputMode="numeric" className="packet-port" value={size} placeholder={w.few} onChange={(e) => usePacket.setState({ size: e.target.value })} data-testid="packet-size" />
      </label>
      <button type="submit" className="primary" aria-disabled={busy} data-testid="packet-ask">
        <Send size={15} aria-hidden="true" />
        {busy ? w.asking : w.ask}
      </button>
    </form>
  );
}

/** Packets of the chosen flow that were written down as they went. */
function Flowed() {
  const w = useWords();
  const player = usePlayerApi();
  const flow = usePlayer((s) => s.flow);
  const record = usePacket((s) => s.answer?.record ?? 0);
  const [found, setFound] = useState<{ readonly flow: number; readonly packets: readonly TracedPacket[] }>({ flow: 0, packets: [] });
  const look = (): void => void player.query((api) => api.tracedPackets(flow)).then((packets = []) => setFound({ flow, packets }));
  useEffect(() => {
    let wanted = true;
    if (flow !== 0) void player.query((api) => api.tracedPackets(flow)).then((packets = []) => wanted && setFound({ flow, packets }));
    return () => {
      wanted = false;
    };
  }, [player, flow]);
  const packets = found.flow === flow ? found.packets : [];
  if (flow === 0) return null;
  return (
    <label>
      <span>{w.flowed}</span>
      <select value={packets.some((p) => p.record === record) ? record : 0} onFocus={look} onChange={(e) => Number(e.target.value) !== 0 && void showTraced(player, Number(e.target.value))} data-testid="packet-flowed">
        <option value={0}>{w.flowedNone}</option>
        {packets.map((p) => (
          <option key={p.record} value={p.record}>
            {`${clockText(p.at)}  ${p.packet.protocol} ${sourceText(p.packet)} → ${destinationText(p.packet)}`}
          </option>
        ))}
      </select>
    </label>
  );
}

function Answer({ answer, ends }: { readonly answer: PacketAnswer; readonly ends: PacketEnds }) {
  const w = useWords();
  const failure = failureOf(answer);
  const good = answer.outcome === 'answered' || answer.outcome === 'accepted';
  const bad = answer.problem !== null || !good;
  return (
    <div className="packet-answer" data-testid="packet-answer" data-outcome={answer.problem ?? answer.outcome}>
      <div className="packet-verdict">
        <p role="status" className={bad ? 'packet-bad' : 'packet-good'}>
          {bad && <TriangleAlert size={15} aria-hidden="true" />}
          <span>
            {answer.record !== 0 && `${w.flowedOf}${w.space}`}
            {`${outcomeText(w, answer)}${failure ? w.space : ''}`}
            {failure && <span data-testid="packet-failure">{lossText(w, failure.hop)}</span>}
          </span>
        </p>
        <Walker answer={answer} />
        <Backends answer={answer} ends={ends} />
        <Stale answer={answer} ends={ends} />
      </div>
      <Commands commands={answer.commands} />
      {answer.dns && <DnsTable dns={answer.dns} />}
      {answer.request && <HopTable title={w.request} kind="request" answer={answer} way={answer.request} />}
      {answer.reply && <HopTable title={w.reply} kind="reply" answer={answer} way={answer.reply} />}
    </div>
  );
}

/** Back and on along the hops, on the map. */
function Walker({ answer }: { readonly answer: PacketAnswer }) {
  const w = useWords();
  const { step, total, shown } = usePacket();
  const steps = useMemo(() => stepsOf(answer), [answer]);
  if (total === 0) return null;
  const current = steps[step];
  const sender = senderText(w, answer);
  return (
    <div className="packet-walker">
      <button type="button" onClick={() => goToHop(step - 1, true)} disabled={shown && step === 0} aria-label={w.back} title={w.back} data-testid="packet-back">
        <ChevronLeft size={16} aria-hidden="true" />
      </button>
      <span className="packet-count" data-testid="packet-position">
        {w.position(step + 1, total)}
      </span>
      <button type="button" onClick={() => goToHop(shown ? step + 1 : step)} disabled={shown && step === total - 1} aria-label={w.next} title={w.next} data-testid="packet-next">
        <ChevronRight size={16} aria-hidden="true" />
      </button>
      {failureOf(answer) && (
        <button type="button" onClick={toFailure} data-testid="packet-to-failure">
          {w.toFailure}
        </button>
      )}
      <button type="button" className="quiet" onClick={() => (shown ? hidePacket() : goToHop(step))} title={shown ? w.clear : w.show} aria-label={shown ? w.clear : w.show} aria-pressed={shown} data-testid="packet-on-map">
        {shown ? <MapPin size={16} aria-hidden="true" /> : <MapPinOff size={16} aria-hidden="true" />}
      </button>
      <p className="visually-hidden" aria-live="polite" data-testid="packet-announcer">
        {shown && current ? `${w.position(step + 1, total)}. ${stepText(w, current, sender)}` : ''}
      </p>
    </div>
  );
}

const choiceIn = (answer: PacketAnswer): PacketChoice | null => {
  for (const hop of answer.request?.hops ?? []) for (const row of hop.rows) if (row.choice !== null) return row.choice;
  return null;
};

const percent = (share: number): string => `${Math.round(share * 1000) / 10} %`;

/** Who else could have got it; choosing asks again. */
function Backends({ answer, ends }: { readonly answer: PacketAnswer; readonly ends: PacketEnds }) {
  const w = useWords();
  const player = usePlayerApi();
  const choice = choiceIn(answer);
  const { question } = answer;
  if (choice === null) return null;
  const nameOf = (backend: string): string => {
    const pod = ends.from.find((e) => e.kind === 'pod' && e.address === backend.split(':')[0]);
    return pod === undefined ? backend : `${backend} ${pod.name}`;
  };
  const by = choice.by === 'statistic' || choice.by === 'numgen' || choice.by === 'recent' ? w.by[choice.by] : w.by.other(choice.by);
  return (
    <label className="packet-backend" title={w.backendHint}>
      <span>{w.backend}</span>
      <select
        value={choice.taken}
        disabled={question === null}
        onChange={(e) => question && void ask(player, { ...question, backend: choice.among[Number(e.target.value)]?.backend ?? '' })}
        data-testid="packet-backend"
      >
        {choice.among.map(({ backend, probability }, i) => (
          <option key={backend} value={i}>
            {`${nameOf(backend)} · ${percent(probability)}`}
          </option>
        ))}
      </select>
      <span className="muted">{by}</span>
    </label>
  );
}

/** The answer is of another moment than the one shown. */
function Stale({ answer, ends }: { readonly answer: PacketAnswer; readonly ends: PacketEnds }) {
  const w = useWords();
  const player = usePlayerApi();
  const busy = usePacket((s) => s.busy);
  const stale = usePlayer((s) => answer.record === 0 && s.clock.view !== answer.at);
  if (!stale) return null;
  return (
    <p className="packet-stale">
      <span className="muted">
        {clockText(answer.at)} · {w.stale}
      </span>
      <button type="button" disabled={busy} onClick={() => void ask(player, written(ends.from, answer.question?.backend))} data-testid="packet-again">
        {w.again}
      </button>
    </p>
  );
}

function Commands({ commands }: { readonly commands: readonly string[] }) {
  const w = useWords();
  if (commands.length === 0) return null;
  return (
    <p className="packet-commands">
      <span className="muted">{w.command}</span>
      {commands.map((command) => (
        <span key={command} className="packet-command">
          <code data-testid="packet-command">{command}</code>
          <button type="button" className="quiet icon" onClick={() => void navigator.clipboard?.writeText(command)} aria-label={`${w.copy}: ${command}`} title={w.copy}>
            <Copy size={14} aria-hidden="true" />
          </button>
        </span>
      ))}
    </p>
  );
}
