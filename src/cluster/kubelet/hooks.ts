// Lifecycle hooks of a container (kubelet/lifecycle/handlers.go): exec, httpGet, sleep.

import type { Container, LifecycleHandler, Pod } from '../api/generated/types.ts';
import { HttpClient, HttpTimeout } from '../network/http.ts';
import { SocketError } from '../network/socket.ts';
import { CriError } from '../runtime/cri.ts';
import type { Op } from '../sim/simulation.ts';
import { SECOND } from '../sim/time.ts';
import { type Context, podSubject, podUid } from './context.ts';
import { portOf } from './probe-run.ts';

/** Runs a hook; gives what went wrong, or undefined. */
export function* runHook(context: Context, pod: Pod, container: Container, containerId: string, hook: LifecycleHandler): Op<string | undefined> {
  if (hook.exec) {
    const command = hook.exec.command ?? [];
    try {
      const { exitCode, stderr } = yield* context.runtime.execSync(containerId, command, 0, podSubject(pod));
      return exitCode === 0 ? undefined : `command '${command.join(' ')}' exited with ${exitCode}: ${stderr}`;
    } catch (error) {
      if (!(error instanceof CriError)) throw error;
      return error.text;
    }
  }
  if (hook.sleep) {
    yield* context.os.sleep(hook.sleep.seconds * SECOND);
    return undefined;
  }
  if (!hook.httpGet) return 'invalid handler: empty';
  const sandbox = context.cache.get(podUid(pod)).sandboxes[0];
  const host = hook.httpGet.host || (sandbox?.hostNetwork ? context.nodeIp : (sandbox?.ip ?? ''));
  const http = new HttpClient(context.os, { host, port: portOf(container, hook.httpGet.port), keepAlive: false });
  try {
    const path = hook.httpGet.path ?? '/';
    const response = yield* http.request(
      { method: 'GET', path, query: {}, headers: { 'user-agent': 'kube-lifecycle/1.36' }, subject: podSubject(pod), kind: 'probe', verb: 'GET' },
      30 * SECOND,
    );
    return response.status < 400 ? undefined : `HTTP hook answered with status ${response.status}`;
  } catch (error) {
    if (error instanceof SocketError || error instanceof HttpTimeout) return error.message;
    throw error;
  } finally {
    http.close();
  }
}
