// The images of the cluster's own components, with the compressed sizes that their registries tell.

import { METRICS_SERVER_IMAGE } from '../addons/metrics-server/manifest.ts';
import { metricsServerProgram } from '../addons/metrics-server/program.ts';
import { apiserverProgram } from '../apiserver/program.ts';
import { controllerManagerProgram } from '../controllers/manager.ts';
import { coreDnsProgram } from '../dataplane/coredns/program.ts';
import { flannelImageProgram } from '../dataplane/flannel/install.ts';
import { kubeProxyProgram } from '../dataplane/kube-proxy/program.ts';
import { providedEtcdctl } from '../etcd/etcdctl-provider.ts';
import { etcdProgram } from '../etcd/program.ts';
import type { ImageCatalogue } from '../images/catalogue.ts';
import type { Program } from '../machine/process.ts';
import type { Op } from '../sim/simulation.ts';
import { MILLISECOND, type Micros } from '../sim/time.ts';
import { schedulerProgram } from '../scheduler/program.ts';
import {
  APISERVER_IMAGE,
  CONTROLLER_MANAGER_IMAGE,
  COREDNS_IMAGE,
  ETCD_IMAGE,
  FLANNEL_CNI_IMAGE,
  FLANNEL_IMAGE,
  PROXY_IMAGE,
  SCHEDULER_IMAGE,
} from './versions.ts';

export interface ComponentImage {
  readonly image: string;
  readonly program: Program;
  readonly entrypoint: readonly string[];
  /** MB as it travels. */
  readonly megabytes: number;
  /** From exec to the first useful instruction: loading, flags, caches of the Go runtime. */
  readonly startup: Micros;
  /** Resident MB once it runs. */
  readonly memory: number;
  /** Thousandths of a CPU that it uses without being asked for anything. */
  readonly idle: number;
  readonly files?: Readonly<Record<string, string>>;
  /** Who it runs as; root when left out. */
  readonly user?: string;
  /** What else the image has, for `exec`. */
  readonly tools?: Readonly<Record<string, Program>>;
}

const COMPONENTS: readonly ComponentImage[] = [
  { image: ETCD_IMAGE, program: etcdProgram, entrypoint: [], megabytes: 23.6, startup: 400 * MILLISECOND, memory: 46, idle: 14, tools: { etcdctl: providedEtcdctl } },
  { image: APISERVER_IMAGE, program: apiserverProgram, entrypoint: [], megabytes: 27.7, startup: 2_200 * MILLISECOND, memory: 242, idle: 22 },
  { image: CONTROLLER_MANAGER_IMAGE, program: controllerManagerProgram, entrypoint: [], megabytes: 23.1, startup: 900 * MILLISECOND, memory: 55, idle: 9 },
  { image: SCHEDULER_IMAGE, program: schedulerProgram, entrypoint: [], megabytes: 17.2, startup: 800 * MILLISECOND, memory: 24, idle: 4 },
  { image: PROXY_IMAGE, program: kubeProxyProgram, entrypoint: [], megabytes: 25.8, startup: 350 * MILLISECOND, memory: 17, idle: 1 },
  { image: COREDNS_IMAGE, program: coreDnsProgram, entrypoint: ['/coredns'], megabytes: 23.6, startup: 300 * MILLISECOND, memory: 14, idle: 2 },
  { image: METRICS_SERVER_IMAGE, program: metricsServerProgram, entrypoint: ['/metrics-server'], megabytes: 19.5, startup: 400 * MILLISECOND, memory: 21, idle: 3 },
  { image: FLANNEL_IMAGE, program: flannelImageProgram, entrypoint: ['/opt/bin/flanneld'], megabytes: 34.2, startup: 250 * MILLISECOND, memory: 13, idle: 5 },
  {
    image: FLANNEL_CNI_IMAGE,
    program: flannelImageProgram,
    entrypoint: [],
    megabytes: 4.9,
    startup: 10 * MILLISECOND,
    memory: 1,
    idle: 0,
    files: { '/flannel': 'flannel CNI plug-in v1.8.0-flannel1\n' },
  },
];

/** Makes the registries know them. */
export const registerComponentImages = (catalogue: ImageCatalogue): void => registerImages(catalogue, COMPONENTS);

export function registerImages(catalogue: ImageCatalogue, images: readonly ComponentImage[]): void {
  for (const component of images) {
    const { image, entrypoint, megabytes, files, tools, user } = component;
    const colon = image.lastIndexOf(':');
    catalogue.register({
      repository: image.slice(0, colon),
      tags: [image.slice(colon + 1)],
      entrypoint,
      cmd: [],
      env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' },
      exposedPorts: [],
      sizeBytes: Math.round(megabytes * 1_000_000),
      program: tools ? withTools(started(component), tools) : started(component),
      ...(tools ? { hasExecutable: (name: string) => name === entrypoint[0] || Object.hasOwn(tools, baseName(name)) || baseName(name) === baseName(repositoryOf(image)) } : {}),
      ...(files === undefined ? {} : { files }),
      ...(user === undefined ? {} : { user }),
    });
  }
}

const repositoryOf = (image: string): string => image.slice(0, image.lastIndexOf(':'));
const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** The main program, or the tool that was called by its name. */
const withTools =
  (program: Program, tools: Readonly<Record<string, Program>>): Program =>
  (os) =>
    (tools[baseName(os.argv[0] ?? '')] ?? program)(os);

const started = ({ program, startup, memory, idle }: ComponentImage): Program =>
  function* (os): Op<number | void> {
    yield* os.sleep(startup);
    os.process.footprint(memory * 1_048_576, idle / 1000);
    return yield* program(os);
  };
