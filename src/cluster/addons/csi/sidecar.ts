// What the CSI sidecars of kubernetes-csi share: their flags, the driver behind the socket, clients, and workers that try again.

import type { ApiObject } from '../../api/meta.ts';
import type { PersistentVolume } from '../../api/generated/types.ts';
import type { VolumeCapability } from '../../api/storage/csi.ts';
import { Client } from '../../client/client.ts';
import { runController } from '../../client/controller.ts';
import { EventRecorder } from '../../client/events.ts';
import { InformerFactory } from '../../client/informer.ts';
import { inClusterConfig } from '../../client/kubeconfig.ts';
import { ExponentialLimiter } from '../../client/ratelimit.ts';
import { WorkQueue } from '../../client/workqueue.ts';
import type { Os, Program } from '../../machine/process.ts';
import { callGrpc, RpcError } from '../../network/grpc.ts';
import type { Op } from '../../sim/simulation.ts';
import { MINUTE, SECOND } from '../../sim/time.ts';
import type { Subject } from '../../sim/trace.ts';

export interface Sidecar {
  readonly os: Os;
  readonly client: Client;
  readonly informers: InformerFactory;
  /** The driver's name, as it says itself. */
  readonly driver: string;
  readonly recorder: EventRecorder;
  /** Calls the driver. Throws RpcError. */
  readonly call: <T>(method: string, request: object, subject?: Subject | null) => Op<T>;
}

export function flag(os: Os, name: string): string | undefined {
  for (const [index, arg] of os.argv.entries()) {
    const text = arg.replace(/^--?/, '');
    if (text === name) return os.argv[index + 1] ?? '';
    if (text.startsWith(`${name}=`)) return text.slice(name.length + 1);
  }
  return undefined;
}

/** A sidecar that watches the API: connects to its driver, then runs until it is told to stop. */
export const sidecarProgram =
  (component: string, start: (sidecar: Sidecar) => void): Program =>
  function* (os: Os): Op<number> {
    const stop = os.signals();
    const address = (flag(os, 'csi-address') ?? '/run/csi/socket').replace(/^unix:\/\//, '');
    const driver = yield* driverName(os, address);
    const client = new Client(os, { ...inClusterConfig(os), userAgent: `${component}/v1` });
    const informers = new InformerFactory(os, client);
    const identity = `${driver}_${os.env['HOSTNAME'] ?? os.machine.name}_${os.sim.random(`${component}/${os.place}/${os.process.pid}`).uuid()}`;
    const sidecar: Sidecar = {
      os,
      client,
      informers,
      driver,
      recorder: new EventRecorder(os, client, { component: component === 'csi-provisioner' ? identity : `${component.replace('csi-', 'external-')} ${driver}` }),
      call: (method, request, subject = null) => callGrpc(os, address, method, request, { subject }),
    };
    start(sidecar);
    informers.start();
    os.logError(`"Starting controller" driver="${driver}"`);
    yield* stop.receive();
    return 0;
  };

/** Waits until the driver listens. */
export function* driverName(os: Os, address: string): Op<string> {
  for (;;) {
    try {
      return (yield* callGrpc<{ name: string }>(os, address, 'GetPluginInfo', {}, { quiet: true })).name;
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      os.logError(`"Still connecting" address="${address}"`);
    }
    yield* os.sleep(SECOND);
  }
}

/** A queue whose failures wait from one second to five minutes (--retry-interval-start, --retry-interval-max). */
export function work(sidecar: Pick<Sidecar, 'os'>, name: string, sync: (key: string) => Op<void>): WorkQueue {
  const queue = new WorkQueue(sidecar.os.sim, new ExponentialLimiter(SECOND, 5 * MINUTE));
  runController(sidecar.os, { name, queue, workers: 4, sync });
  return queue;
}

/** The object with the finalizer, or null when it has it. */
export function withFinalizer<T extends ApiObject>(object: T, finalizer: string): T | null {
  const { finalizers = [] } = object.metadata;
  if (finalizers.includes(finalizer)) return null;
  return { ...object, metadata: { ...object.metadata, finalizers: [...finalizers, finalizer] } };
}

/** The object without the finalizer, or null when it does not have it. */
export function withoutFinalizer<T extends ApiObject>(object: T, finalizer: string): T | null {
  const { finalizers = [] } = object.metadata;
  if (!finalizers.includes(finalizer)) return null;
  return { ...object, metadata: { ...object.metadata, finalizers: finalizers.filter((f) => f !== finalizer) } };
}

export function capabilityOf({ spec }: Pick<PersistentVolume, 'spec'>): VolumeCapability {
  return { accessMode: spec.accessModes?.[0] ?? 'ReadWriteOnce', fsType: spec.csi?.fsType ?? 'ext4', block: spec.volumeMode === 'Block' };
}

