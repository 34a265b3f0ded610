// Lifecycle hooks of a container (kubelet/lifecycle/handlers.go): exec, httpGet, sleep.

import type { Container, HTTPGetAction, LifecycleHandler, Pod } from '../api/generated/types.ts';
import { HttpClient, HttpTimeout } from '../network/http.ts';
import { SocketError } from '../network/socket.ts';
import { CriError } from '../runtime/cri.ts';
import type { Op } from '../sim/simulation.ts';
import { SECOND } from '../sim/time.ts';
import { type Context, podSubject, podText, podUid } from './context.ts';
import { portOf, queryOf } from './probe-run.ts';

/** Runs a hook; gives what went wrong, or undefined. */
export function* runHook(context: Context, pod: Pod, container: Container, containerId: string, hook: LifecycleHandler): Op<string | undefined> {
  const where = `for Container "${container.name}" in Pod "${podText(pod)}" failed - error: `;
  if (hook.exec) {
    const command = hook.exec.command ?? [];
    const failed = `Exec lifecycle hook ([${command.join(' ')}]) ${where}`;
    try {
      const { exitCode, stdout, stderr } = yield* context.runtime.execSync(containerId, command, 0, podSubject(pod));
      if (exitCode === 0) return undefined;
      return `${failed}command '${command.join(' ')}' exited with ${exitCode}: ${stderr}, message: ${JSON.stringify(stdout + stderr)}`;
    } catch (error) {
      if (!(error instanceof CriError)) throw error;
      return `${failed}${error.text}, message: ""`;
    }
  }
  if (hook.sleep) {
    yield* context.os.sleep(hook.sleep.seconds * SECOND);
    return undefined;
  }
  if (!hook.httpGet) return 'Cannot run handler: invalid handler: empty';
  const problem = yield* httpHook(context, pod, container, hook.httpGet);
  return problem === undefined ? undefined : `HTTP lifecycle hook (${hook.httpGet.path ?? ''}) ${where}${problem}`;
}

/** Any answer will do, whatever its status. */
function* httpHook(context: Context, pod: Pod, container: Container, action: HTTPGetAction): Op<string | undefined> {
  const sandbox = context.cache.get(podUid(pod)).sandboxes[0];
  const host = action.host || (sandbox?.hostNetwork ? context.nodeIp : (sandbox?.ip ?? ''));
  const port = portOf(container, action.port);
  if (port <= 0) return `couldn't find port: ${String(action.port)}`;
  const full = action.path?.startsWith('/') ? action.path : `/${action.path ?? ''}`;
  const http = new HttpClient(context.os, { host, port, keepAlive: false, ...(action.scheme === 'HTTPS' ? { tls: {} } : {}) });
  const headers: Record<string, string> = { 'user-agent': 'kube-lifecycle/1.36', accept: '*/*' };
  for (const { name, value } of action.httpHeaders ?? []) headers[name.toLowerCase()] = value;
  const mark = full.indexOf('?');
  const path = mark < 0 ? full : full.slice(0, mark);
  try {
    yield* http.request({ method: 'GET', path, query: mark < 0 ? {} : queryOf(full.slice(mark + 1)), headers, subject: podSubject(pod), kind: 'probe', verb: 'GET' });
    return undefined;
  } catch (error) {
    if (error instanceof SocketError || error instanceof HttpTimeout) return `Get "${(action.scheme ?? 'HTTP').toLowerCase()}://${host}:${port}${full}": ${error.message}`;
    throw error;
  } finally {
    http.close();
  }
}
