// The hops of one direction as a table: place, interfaces, the rows that decided, headers where they change; every row on demand.

import { ChevronDown, ChevronRight } from 'lucide-react';
import { Fragment, useEffect, useRef, useState } from 'react';
import type { DnsLookup, Packet, PacketAnswer, PacketHop, PacketRow, PacketWay } from '../../session/protocol.ts';
import type { Words } from './en.ts';
import { goToHop, usePacket } from './store.ts';
import { useWords } from './useWords.ts';
import { destinationText, lossText, placeText, shortRule, sourceText, viaPort } from './words.ts';

const sameText = (a: Packet, b: Packet): boolean => sourceText(a) === sourceText(b) && destinationText(a) === destinationText(b);

/** What a row is a row of. */
function tableText(w: Words, row: PacketRow): string {
  const names: Readonly<Record<string, string>> = w.tables;
  if (row.table === '') return names[row.action === 'transmit' ? 'veth' : row.action] ?? row.action;
  return names[row.table] ?? row.table.replace('/', ' ');
}

export function HopTable({ title, kind, answer, way }: { readonly title: string; readonly kind: 'request' | 'reply'; readonly answer: PacketAnswer; readonly way: PacketWay }) {
  const w = useWords();
  const first = (answer.dns?.steps.length ?? 0) + (kind === 'reply' ? (answer.request?.hops.length ?? 0) : 0);
  const current = usePacket((s) => (s.shown && s.answer === answer ? s.step - first : -1));
  return (
    <table className="packet-table" data-testid={`packet-${kind}`}>
      <caption>
        {title} <span className="muted">{`${way.packet.protocol.toUpperCase()} ${sourceText(way.packet)} → ${destinationText(way.packet)}`}</span>
      </caption>
      <thead>
        <tr>
          <th scope="col">{w.columns.hop}</th>
          <th scope="col">{w.columns.where}</th>
          <th scope="col">{w.columns.in}</th>
          <th scope="col">{w.columns.out}</th>
          <th scope="col">{w.columns.decided}</th>
          <th scope="col">{w.columns.headers}</th>
        </tr>
      </thead>
      <tbody>
        {way.hops.map((hop, i) => (
          <HopRows key={i} hop={hop} number={i + 1} current={current === i} onShow={() => goToHop(first + i, true)} />
        ))}
      </tbody>
      {way.tracked.length > 0 && kind === 'request' && (
        <tfoot>
          <tr>
            <td colSpan={6}>
              <Tracked way={way} />
            </td>
          </tr>
        </tfoot>
      )}
    </table>
  );
}

function Tracked({ way }: { readonly way: PacketWay }) {
  const w = useWords();
  return (
    <details className="packet-tracked">
      <summary>{w.tracked}</summary>
      {way.tracked.map(({ machine, row }) => (
        <p key={`${machine} ${row}`}>
          <span>{machine}</span> <code>{row}</code>
        </p>
      ))}
    </details>
  );
}

interface HopProps {
  readonly hop: PacketHop;
  readonly number: number;
  readonly current: boolean;
  readonly onShow: () => void;
}

function HopRows({ hop, number, current, onShow }: HopProps) {
  const w = useWords();
  const [open, setOpen] = useState(false);
  const ref = useRef<HTMLTableRowElement>(null);
  useEffect(() => {
    if (current) ref.current?.scrollIntoView({ block: 'nearest' });
  }, [current]);
  const decisive = hop.rows.filter((row) => row.decisive);
  const passed = hop.rows.length - decisive.length - hop.rows.filter((row) => row.action === 'send').length;
  const Icon = open ? ChevronDown : ChevronRight;
  return (
    <>
      <tr ref={ref} className={`${current ? 'current' : ''} ${hop.lost ? 'lost' : ''}`} aria-current={current ? 'step' : undefined} data-testid="packet-hop">
        <td className="packet-number">
          <button type="button" className="quiet" aria-expanded={open} aria-label={w.details(number)} title={w.details(number)} onClick={() => setOpen(!open)} data-testid="packet-expand">
            <Icon size={14} aria-hidden="true" />
            {number}
          </button>
        </td>
        <td data-label={w.columns.where}>
          <button type="button" className="link" onClick={onShow} title={w.show}>
            {placeText(w, hop)}
          </button>
          {hop.pod !== '' && <span className="muted packet-machine"> {hop.machine}</span>}
        </td>
        <td data-label={w.columns.in}>{viaPort(hop.in, hop.inPort) || '–'}</td>
        <td data-label={w.columns.out}>{viaPort(hop.out, hop.outPort) || '–'}</td>
        <td data-label={w.columns.decided}>
          <ul className="packet-rows">
            {decisive.map((row, i) => (
              <li key={i} className={row.action === 'drop' ? 'packet-loss' : ''}>
                <span className="packet-kind">{tableText(w, row)}</span> <code title={row.rule}>{row.action === 'drop' ? row.rule || row.asked : shortRule(row)}</code>
              </li>
            ))}
            {passed > 0 && <li className="muted">{w.onwards(passed)}</li>}
          </ul>
          {hop.lost && <p className="packet-why">{lossText(w, hop)}</p>}
        </td>
        <td data-label={w.columns.headers}>
          <Headers hop={hop} />
        </td>
      </tr>
      {open && (
        <tr className="packet-details">
          <td colSpan={6}>
            <AllRows rows={hop.rows} label={w.details(number)} />
          </td>
        </tr>
      )}
    </>
  );
}

function Headers({ hop }: { readonly hop: PacketHop }) {
  const w = useWords();
  const outer = hop.inner === null ? (hop.after.outer ?? null) : null;
  return (
    <div className="packet-headers">
      <HeaderLine packet={hop.before} {...(sameText(hop.before, hop.after) ? {} : { gone: true })} />
      {!sameText(hop.before, hop.after) && <HeaderLine packet={hop.after} from={hop.before} />}
      {outer && (
        <span className="packet-envelope">
          {`${outer.vni === undefined ? 'UDP' : w.vni(outer.vni)} ${outer.src} → ${outer.dst}:${outer.port}`}
        </span>
      )}
      {hop.inner && (
        <span className="packet-envelope">
          <span className="muted">{w.inside}</span> <HeaderLine packet={hop.inner} />
        </span>
      )}
    </div>
  );
}

/** Source and destination; what differs from `from` stands out. */
function HeaderLine({ packet, from, gone = false }: { readonly packet: Packet; readonly from?: Packet; readonly gone?: boolean }) {
  const mark = (changed: boolean, text: string) => (changed ? <b>{text}</b> : text);
  return (
    <span className={gone ? 'packet-line packet-gone' : 'packet-line'}>
      {mark(from !== undefined && sourceText(from) !== sourceText(packet), sourceText(packet))}
      {' → '}
      {mark(from !== undefined && destinationText(from) !== destinationText(packet), destinationText(packet))}
    </span>
  );
}

function AllRows({ rows, label }: { readonly rows: readonly PacketRow[]; readonly label: string }) {
  const w = useWords();
  const met = rows.filter((row) => row.action !== 'send');
  return (
    <table className="packet-all" aria-label={label}>
      <thead>
        <tr>
          <th scope="col">{w.rowColumns.table}</th>
          <th scope="col">{w.rowColumns.row}</th>
          <th scope="col">{w.rowColumns.after}</th>
        </tr>
      </thead>
      <tbody>
        {met.map((row, i) => (
          <Fragment key={i}>
            <tr className={row.decisive ? 'decisive' : ''}>
              <td data-label={w.rowColumns.table}>{tableText(w, row)}</td>
              <td data-label={w.rowColumns.row}>
                <code>{row.rule || row.asked || '–'}</code>
                {row.choice && (
                  <ul className="packet-choice">
                    {row.choice.among.map(({ backend, probability }, k) => (
                      <li key={backend} className={k === row.choice?.taken ? 'taken' : ''}>
                        {`${backend} · ${Math.round(probability * 1000) / 10} %`}
                      </li>
                    ))}
                  </ul>
                )}
              </td>
              <td data-label={w.rowColumns.after}>
                {sameText(row.before, row.after) && row.before.outer === row.after.outer ? (
                  <span className="muted">{w.unchanged}</span>
                ) : (
                  <>
                    <HeaderLine packet={row.after} from={row.before} />
                    {row.after.outer && <span className="packet-envelope">{`${row.after.outer.src} → ${row.after.outer.dst}:${row.after.outer.port}`}</span>}
                  </>
                )}
              </td>
            </tr>
          </Fragment>
        ))}
      </tbody>
    </table>
  );
}

/** What the name cost before the first packet could leave. */
export function DnsTable({ dns }: { readonly dns: DnsLookup }) {
  const w = useWords();
  const current = usePacket((s) => (s.shown ? s.step : -1));
  if (dns.source === 'hosts') return <p className="packet-hosts">{w.dnsHosts(dns.host, dns.addresses.join(', '))}</p>;
  return (
    <table className="packet-table packet-dns" data-testid="packet-dns">
      <caption>
        {w.dns} <span className="muted">{dns.resolv.join(' · ')}</span>
      </caption>
      <thead>
        <tr>
          <th scope="col">{w.columns.hop}</th>
          <th scope="col">{w.dnsColumns.question}</th>
          <th scope="col">{w.dnsColumns.server}</th>
          <th scope="col">{w.dnsColumns.answer}</th>
          <th scope="col">{w.dnsColumns.took}</th>
        </tr>
      </thead>
      <tbody>
        {dns.steps.map((step, i) => (
          <tr key={i} className={`${current === i ? 'current' : ''} ${step.way?.delivered === false ? 'lost' : ''}`} aria-current={current === i ? 'step' : undefined} data-testid="packet-dns-step">
            <td className="packet-number">
              <button type="button" className="quiet" onClick={() => goToHop(i, true)} title={w.show}>
                {i + 1}
              </button>
            </td>
            <td data-label={w.dnsColumns.question}>
              <code>{`${step.name} ${step.type}`}</code>
              {step.by !== '' && <span className="muted"> {w.dnsBy(step.by.split('/').at(-1) ?? step.by)}</span>}
            </td>
            <td data-label={w.dnsColumns.server}>
              <code>{step.server}</code>
            </td>
            <td data-label={w.dnsColumns.answer}>
              <span className={step.code === 'NOERROR' ? '' : 'packet-kind'}>{step.code}</span> {w.dnsAnswer(step.code, step.answers.length)}
              {step.answers.map((answer) => (
                <code key={answer} className="packet-record">
                  {answer}
                </code>
              ))}
              {step.way?.failure != null && <Why way={step.way} />}
            </td>
            <td data-label={w.dnsColumns.took}>{`${(step.took / 1000).toFixed(3)} ms`}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Why({ way }: { readonly way: PacketWay }) {
  const w = useWords();
  const hop = way.hops[way.failure?.hop ?? -1];
  return hop === undefined ? null : <p className="packet-why">{lossText(w, hop)}</p>;
}
