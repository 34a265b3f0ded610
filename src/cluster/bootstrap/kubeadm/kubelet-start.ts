// kubeadm phase kubelet-start (app/phases/kubelet): the kubelet's configuration, and systemd starts it.

import { formatYaml, parseYaml } from '../../api/yaml.ts';
import type { Os } from '../../machine/process.ts';
import type { Op } from '../../sim/simulation.ts';
import { MILLISECOND } from '../../sim/time.ts';
import { type KubeadmConfig, KUBELET_CONFIG_FILE, KUBELET_FLAGS_FILE, kubeletConfiguration } from './config.ts';

/** Writes the configuration (`text` when the cluster has given one) and starts the kubelet with it. */
export function* startKubelet(
  os: Os,
  config: Pick<KubeadmConfig, 'serviceSubnet' | 'dnsDomain' | 'criSocket'>,
  text = kubeletConfiguration(config),
): Op<void> {
  const { units } = os.machine;
  units.stop('kubelet');
  os.log(`[kubelet-start] Writing kubelet environment file with flags to file "${KUBELET_FLAGS_FILE}"`);
  os.files.write(KUBELET_FLAGS_FILE, 'KUBELET_KUBEADM_ARGS=""\n');
  os.files.write('/var/lib/kubelet/instance-config.yaml', instanceConfiguration(config.criSocket));
  os.log(`[kubelet-start] Writing kubelet configuration to file "${KUBELET_CONFIG_FILE}"`);
  os.files.write(KUBELET_CONFIG_FILE, patched(text, config.criSocket));
  yield* os.sleep(200 * MILLISECOND);
  units.start('kubelet');
}

/** The configuration as this machine's kubelet gets it. */
function patched(text: string, criSocket: string): string {
  const value = parseYaml(text) as { readonly containerRuntimeEndpoint?: string };
  return value.containerRuntimeEndpoint === '' ? formatYaml({ ...value, containerRuntimeEndpoint: `unix://${criSocket}` }) : text;
}

const instanceConfiguration = (criSocket: string): string =>
  formatYaml({
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    containerRuntimeEndpoint: `unix://${criSocket}`,
    kind: 'KubeletConfiguration',
  });
