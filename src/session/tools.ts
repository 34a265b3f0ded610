// What a person works with beside the cluster: kubectl, the images of manifests, and the reading of what was typed and
// printed. The page loads it while its cluster boots; nothing before the first action needs it.

import { provideCel } from '../cluster/api/cel/cel.ts';
import { celEngine } from '../cluster/api/cel/engine.ts';
import { provideOpenApi } from '../cluster/apiserver/openapi/pool.ts';
import { kernelNfsProgram } from '../cluster/addons/nfs-server/server.ts';
import { registerAddonImages } from '../cluster/bootstrap/addon-images.ts';
import { makeInternet } from '../cluster/bootstrap/internet.ts';
import { provideNfsServer } from '../cluster/bootstrap/nfs-unit.ts';
import { providePodNetworks } from '../cluster/bootstrap/pod-network.ts';
import { storageControllers } from '../cluster/controllers/storage.ts';
import { provideStorageControllers } from '../cluster/controllers/storage-controllers.ts';
import { etcdctlProgram } from '../cluster/etcd/etcdctl.ts';
import { provideEtcdctl } from '../cluster/etcd/etcdctl-provider.ts';
import { coreDnsExtras } from '../cluster/dataplane/coredns/all-extras.ts';
import { provideCoreDnsExtras } from '../cluster/dataplane/coredns/extras.ts';
import { calico } from '../cluster/dataplane/calico/cni/plugin.ts';
import { calicoManifest } from '../cluster/dataplane/calico/manifest/manifest.ts';
import { provideBackends } from '../cluster/dataplane/flannel/backend.ts';
import { makeEtcdManager } from '../cluster/dataplane/flannel/etcd-manager.ts';
import { provideEtcdSubnetManager } from '../cluster/dataplane/flannel/manager.ts';
import { otherBackends } from '../cluster/dataplane/flannel/other-backends.ts';
import { provideProxyModes } from '../cluster/dataplane/kube-proxy/mode.ts';
import { otherModes } from '../cluster/dataplane/kube-proxy/other-modes.ts';
import type { ImageCatalogue } from '../cluster/images/catalogue.ts';
import { stockKubectlImages } from '../cluster/images/entries/kubectl.ts';
import { stockEverydayImages } from '../cluster/images/everyday.ts';
import { storageVolumes } from '../cluster/kubelet/storage.ts';
import { provideStorageVolumes } from '../cluster/kubelet/storage-volumes.ts';
import { readConfiguration } from '../cluster/scheduler/configuration.ts';
import { provideSchedulerConfiguration } from '../cluster/scheduler/configuration-provider.ts';
import { volumePlugins } from '../cluster/scheduler/plugins/volumes.ts';
import { provideVolumePlugins } from '../cluster/scheduler/volume-plugins.ts';
import { evictionRound } from '../cluster/kubelet/eviction-round.ts';
import { provideKubeletExtras } from '../cluster/kubelet/extras.ts';
import { cadvisorMetrics } from '../cluster/kubelet/server-cadvisor.ts';
import { summary } from '../cluster/kubelet/server-stats.ts';
import { kernelFiles } from '../cluster/machine/kernel-files.ts';
import { provideGateway } from '../cluster/network/switch.ts';
import { provideKernelFiles } from '../cluster/machine/kernel-files-provider.ts';
import { provideCniPlugins } from '../cluster/runtime/cni/plugin.ts';
import { otherRuntimes } from '../cluster/runtime/other-runtimes.ts';
import { provideRuntimes } from '../cluster/runtime/runtime-provider.ts';
import { kubectlProgram } from '../kubectl/kubectl.ts';
import { printYaml } from '../kubectl/print/yaml.ts';
import { providePublicDocuments } from '../kubectl/resource/public-documents.ts';
import { describeObject } from './inspect.ts';
import { operatorShell } from './operator-shell.ts';
import { commandOfRequest, Outside } from './outside.ts';
import { PacketDesk } from './packet-desk.ts';
import { checkText, problemsOf } from './problems.ts';
import { publicDocuments } from './public-documents.ts';
import { performWire } from './wires.ts';

// Policies and custom resources may speak, etcdctl be run and the scheduler configured from the first action on.
provideCel(celEngine);
provideEtcdctl(etcdctlProgram);
provideRuntimes(otherRuntimes);
provideKernelFiles(kernelFiles);
provideKubeletExtras({ evictionRound, cadvisorMetrics, summary });
providePublicDocuments(publicDocuments);
provideBackends(otherBackends);
provideEtcdSubnetManager(makeEtcdManager);
providePodNetworks({ calico: calicoManifest });
provideCniPlugins({ calico });
provideCoreDnsExtras(coreDnsExtras);
provideProxyModes(otherModes);
provideSchedulerConfiguration(readConfiguration);
provideNfsServer(kernelNfsProgram);
provideGateway(makeInternet);
provideStorageControllers(storageControllers);
provideStorageVolumes(storageVolumes);
provideVolumePlugins(volumePlugins);

function stockImages(catalogue: ImageCatalogue): void {
  stockEverydayImages(catalogue);
  stockKubectlImages(catalogue, kubectlProgram);
  registerAddonImages(catalogue);
}

export const tools = { kubectl: kubectlProgram, shell: operatorShell, stockImages, printYaml, describeObject, checkText, problemsOf, Outside, commandOfRequest, performWire, provideOpenApi, PacketDesk } as const;

export type Tools = typeof tools;
