// /debug/api_priority_and_fairness/dump_*: what waits where, as upstream's tables (apf_controller_debug.go).

import type { HttpResponse } from '../../network/http.ts';
import type { Exchange } from '../server.ts';
import type { Level } from './level.ts';

const PREFIX = '/debug/api_priority_and_fairness/';
const TEXT = Object.freeze({ 'content-type': 'text/plain; charset=utf-8' });
const DETAILS = ['UserName', 'Verb', 'APIPath', 'Namespace', 'Name', 'APIVersion', 'Resource', 'SubResource'];

export function dumpFlowControl(x: Exchange): HttpResponse | null {
  if (!x.info.path.startsWith(PREFIX)) return null;
  const levels = [...x.server.flowControl.levels.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  const what = x.info.path.slice(PREFIX.length);
  const rows = what === 'dump_priority_levels' ? levelRows(levels) : what === 'dump_queues' ? queueRows(levels) : what === 'dump_requests' ? requestRows(x, levels) : null;
  return rows === null ? null : { status: 200, headers: TEXT, body: tabulate(rows) };
}

function levelRows(levels: readonly Level[]): string[][] {
  const head = 'PriorityLevelName ActiveQueues IsIdle IsQuiescing WaitingRequests ExecutingRequests DispatchedRequests RejectedRequests TimedoutRequests CancelledRequests';
  const rows = levels.map((level) => [
    level.name,
    ...[level.queues.filter((q) => q.waiting.length > 0).length, level.executing + level.waitingCount === 0, false],
    ...[level.waitingCount, level.executing, level.dispatched, level.rejected, level.timedOut, level.cancelled],
  ]);
  return [head.split(' '), ...rows.map((row) => row.map(String))];
}

function queueRows(levels: readonly Level[]): string[][] {
  const head = 'PriorityLevelName Index PendingRequests ExecutingRequests SeatsInUse NextDispatchR InitialSeatsSum MaxSeatsSum TotalWorkSum';
  const rows = levels.flatMap((level) =>
    Array.from({ length: level.spec.limited?.limitResponse?.queuing?.queues ?? 0 }, (_, index) => {
      const queue = level.queues[index];
      const seats = (queue?.waiting ?? []).reduce((sum, entry) => sum + entry.width, 0);
      const next = `${(queue?.start ?? 0).toFixed(8)}ss`;
      return [level.name, String(index), String(queue?.waiting.length ?? 0), '0', '0', next, String(seats), String(seats), `${seats.toFixed(8)}ss`];
    }),
  );
  return [head.split(' '), ...rows];
}

function requestRows(x: Exchange, levels: readonly Level[]): string[][] {
  const more = (x.query['includeRequestDetails'] ?? '') !== '';
  const head = 'PriorityLevelName FlowSchemaName QueueIndex RequestIndexInQueue FlowDistingsher ArriveTime InitialSeats FinalSeats AdditionalLatency StartTime';
  const rows = levels.flatMap((level) =>
    level.queues.flatMap((queue, index) =>
      queue.waiting.map(({ context: { info, user }, flowSchema, distinguisher, width, arrived }, i) => [
        ...[level.name, flowSchema, String(index), String(i), distinguisher, x.server.sim.microTime(arrived), String(width), '0', '0s'],
        '0001-01-01T00:00:00Z',
        ...(more ? [user.name, info.verb, info.path, info.namespace, info.name, `${info.group}/${info.version}`, info.resource, info.subresource] : []),
      ]),
    ),
  );
  return [[...head.split(' '), ...(more ? DETAILS : [])], ...rows];
}

/** Go's tabwriter with columns of at least eight and one space between; every column but the last ends in a comma. */
function tabulate(rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => row.map((text, i) => (i < row.length - 1 ? `${text},` : text)));
  const widths = (cells[0] ?? []).map((_, column) => Math.max(8, ...cells.map((row) => (row[column]?.length ?? 0) + 1)));
  return cells.map((row) => `${row.map((text, i) => (i < row.length - 1 ? text.padEnd(widths[i] as number) : text)).join('')}\n`).join('');
}
