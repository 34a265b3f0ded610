// node-driver-registrar (kubernetes-csi): offers its driver to the kubelet on a socket in the registration folder.

import type { PluginInfo } from '../../api/storage/csi.ts';
import type { Os, Program } from '../../machine/process.ts';
import { serveGrpc } from '../../network/grpc.ts';
import type { Op } from '../../sim/simulation.ts';
import { driverName, flag } from './sidecar.ts';

export const registrarProgram: Program = function* (os: Os): Op<number> {
  const stop = os.signals();
  const name = yield* driverName(os, flag(os, 'csi-address') ?? '/run/csi/socket');
  const socket = `/registration/${name}-reg.sock`;
  const info: PluginInfo = { type: 'CSIPlugin', name, endpoint: flag(os, 'kubelet-registration-path') ?? '', supportedVersions: ['1.0.0'] };
  const listener = serveGrpc(os, socket, {
    *GetInfo(): Op<PluginInfo> {
      os.logError(`"Received GetInfo call" request=""`);
      return info;
    },
    *NotifyRegistrationStatus(status: { readonly pluginRegistered: boolean; readonly error: string }): Op<object> {
      os.logError(`"Received NotifyRegistrationStatus call" status="plugin_registered:${status.pluginRegistered}"`);
      if (!status.pluginRegistered) yield* os.exit(1);
      return {};
    },
  });
  yield* stop.receive();
  listener.close();
  return 0;
};
