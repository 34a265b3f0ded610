// The audit log: each request as lines of audit.k8s.io/v1 Events, a line for each stage (apiserver/pkg/endpoints/filters/audit.go,
// plugin/pkg/audit/log). Off unless --audit-policy-file and --audit-log-path are given.

import type { Status } from '../../api/generated/types.ts';
import type { Os } from '../../machine/process.ts';
import type { HttpResponse } from '../../network/http.ts';
import type { Micros } from '../../sim/time.ts';
import type { Decision } from '../authorization/attributes.ts';
import { userInfo } from '../registry/reviews.ts';
import type { RequestContext, User } from '../request.ts';
import { judge, type Policy, readPolicy, type Stage, type Verdict } from './policy.ts';

type Body = { readonly metadata?: { readonly name?: string; readonly namespace?: string; readonly uid?: string; readonly resourceVersion?: string } };

export class Audit {
  readonly #os: Os;
  readonly #policy: Policy;
  readonly #path: string;

  constructor(os: Os, policy: Policy, path: string) {
    this.#os = os;
    this.#policy = policy;
    this.#path = path;
  }

  /** Begins the record of a request once the user is known; null when the policy wants none. */
  begin(x: RequestContext): AuditRecord | null {
    const verdict = judge(this.#policy, x.user, x.info);
    if (verdict.level === 'None') return null;
    const record = new AuditRecord(this, x, verdict, this.#os.sim.now);
    record.write('RequestReceived', null);
    return record;
  }

  /** A request whose credentials were no good. */
  refused(x: RequestContext, response: HttpResponse): void {
    const verdict = judge(this.#policy, { name: '', uid: '', groups: [], extra: {} }, x.info);
    if (verdict.level === 'None') return;
    const record = new AuditRecord(this, x, verdict, this.#os.sim.now);
    const attempted = x.peer.certificate ? 'x509' : 'bearer';
    const status = { ...(response.body as Status), message: `Authentication failed, attempted: ${attempted}` };
    record.write('ResponseStarted', { ...response, body: status });
  }

  append(line: string): void {
    if (this.#path === '-') this.#os.log(line);
    else this.#os.files.append(this.#path, `${line}\n`);
  }

  time(at: Micros): string {
    return this.#os.sim.microTime(at);
  }

  now(): Micros {
    return this.#os.sim.now;
  }
}

export class AuditRecord {
  readonly #audit: Audit;
  readonly #x: RequestContext;
  readonly #verdict: Verdict;
  readonly #received: Micros;
  readonly #user: User;
  /** Whom it acts as. */
  impersonated: User | null = null;
  constraint = '';
  decision: Decision | null = null;
  #annotations: Record<string, string> | null = null;

  constructor(audit: Audit, x: RequestContext, verdict: Verdict, received: Micros) {
    this.#audit = audit;
    this.#x = x;
    this.#verdict = verdict;
    this.#received = received;
    this.#user = x.user;
  }

  /** Something that a stage wants to have said; the first to say it under a name wins. */
  annotate(name: string, value: string): void {
    this.#annotations ??= {};
    this.#annotations[name] ??= value;
  }

  /** The answer: a stream is begun now and complete when it ends. */
  answered(response: HttpResponse): void {
    if (!response.stream) return this.write('ResponseComplete', response);
    this.write('ResponseStarted', response);
    response.stream.onClose(() => this.write('ResponseComplete', response));
  }

  write(stage: Stage, response: HttpResponse | null): void {
    const { level, omitStages } = this.#verdict;
    if (omitStages.includes(stage)) return;
    const x = this.#x;
    const now = this.#audit.now();
    const withRequest = (level === 'Request' || level === 'RequestResponse') && stage !== 'RequestReceived' && isObject(x.http.body);
    const withResponse = level === 'RequestResponse' && response !== null && isObject(response.body) && !response.stream;
    const agent = x.http.headers['user-agent'];
    const event = {
      kind: 'Event',
      apiVersion: 'audit.k8s.io/v1',
      level,
      auditID: x.auditId,
      stage,
      requestURI: uriOf(x),
      verb: x.info.verb,
      user: this.#user.name === '' ? {} : userInfo(this.#user),
      ...(this.impersonated ? { impersonatedUser: userInfo(this.impersonated) } : {}),
      ...(this.constraint === '' ? {} : { authenticationMetadata: { impersonationConstraint: this.constraint } }),
      sourceIPs: [x.peer.address],
      ...(agent === undefined ? {} : { userAgent: agent }),
      ...(x.info.isResource ? { objectRef: objectRef(x, stage !== 'RequestReceived') } : {}),
      ...(response === null ? {} : { responseStatus: statusOf(response) }),
      ...(withRequest ? { requestObject: this.#shown(x.http.body) } : {}),
      ...(withResponse ? { responseObject: this.#shown(response?.body) } : {}),
      requestReceivedTimestamp: this.#audit.time(this.#received),
      stageTimestamp: this.#audit.time(now),
      ...this.#allAnnotations(),
    };
    this.#audit.append(JSON.stringify(event));
  }

  #allAnnotations(): object {
    if (!this.decision && !this.#annotations) return {};
    const { allowed, reason } = this.decision ?? { allowed: false, reason: '' };
    const decision = { 'authorization.k8s.io/decision': allowed ? 'allow' : 'forbid', 'authorization.k8s.io/reason': reason };
    return { annotations: { ...(this.decision ? decision : {}), ...this.#annotations } };
  }

  #shown(body: unknown): unknown {
    const object = body as { readonly metadata?: { readonly managedFields?: unknown } };
    if (!this.#verdict.omitManagedFields || object.metadata?.managedFields === undefined) return body;
    const { managedFields: _, ...metadata } = object.metadata;
    return { ...object, metadata };
  }
}

const isObject = (body: unknown): boolean => typeof body === 'object' && body !== null;

function uriOf({ http }: RequestContext): string {
  const pairs = Object.keys(http.query).map((key) => `${encodeURIComponent(key)}=${encodeURIComponent(http.query[key] as string)}`);
  return pairs.length === 0 ? http.path : `${http.path}?${pairs.join('&')}`;
}

function objectRef({ info, http }: RequestContext, read: boolean): object {
  const body = read && isObject(http.body) && info.verb !== 'patch' ? (http.body as Body).metadata : undefined;
  const name = info.name || body?.name || '';
  const namespace = info.namespace || body?.namespace || '';
  return {
    resource: info.resource,
    ...(namespace === '' ? {} : { namespace }),
    ...(name === '' ? {} : { name }),
    ...(body?.uid ? { uid: body.uid } : {}),
    ...(info.group === '' ? {} : { apiGroup: info.group }),
    apiVersion: info.version,
    ...(body?.resourceVersion ? { resourceVersion: body.resourceVersion } : {}),
    ...(info.subresource === '' ? {} : { subresource: info.subresource }),
  };
}

function statusOf({ status, body }: HttpResponse): object {
  const said = body as Partial<Status> | null | undefined;
  if (said?.kind !== 'Status') return { metadata: {}, code: status };
  const { message, reason, details } = said;
  return {
    metadata: {},
    status: said.status,
    ...(message ? { message } : {}),
    ...(reason ? { reason } : {}),
    ...(details ? { details } : {}),
    code: status,
  };
}

/** The audit log as the flags want it; null when it is off. `problem` hears of a policy that cannot be used. */
export function openAudit(os: Os, policyFile: string, logPath: string, problem: (text: string) => void): Audit | null {
  if (logPath === '') return null;
  if (policyFile === '') {
    os.logError('No audit policy file provided, no events will be recorded for log backend');
    return null;
  }
  if (!os.files.exists(policyFile)) {
    problem(`loading audit policy file: failed to read file path "${policyFile}": open ${policyFile}: no such file or directory`);
    return null;
  }
  const policy = readPolicy(os.files.read(policyFile));
  if (typeof policy === 'string') {
    problem(`loading audit policy file: ${policy}: from file ${policyFile}`);
    return null;
  }
  return new Audit(os, policy, logPath);
}
