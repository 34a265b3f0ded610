// Who is meant by a place of the trace, as a short name for a sentence in each language.

import type { Place, Subject } from '../../session/protocol.ts';
import type { Language } from '../state/ui.ts';

interface Words {
  readonly apiserver: string;
  readonly etcd: string;
  readonly scheduler: string;
  readonly controllerManager: string;
  readonly operator: string;
  readonly anObject: string;
  readonly yourMachine: string;
  readonly registry: (host: string) => string;
  readonly on: (what: string, machine: string) => string;
  readonly cni: (plugin: string) => string;
  readonly service: (name: string) => string;
  readonly nameless: (kind: string) => string;
  readonly controller: (kind: string) => string;
}

const WORDS: Readonly<Record<Language, Words>> = {
  en: {
    apiserver: 'the API server',
    etcd: 'etcd',
    scheduler: 'the scheduler',
    controllerManager: 'the controller manager',
    operator: 'kubectl',
    anObject: 'an object',
    yourMachine: 'your machine',
    registry: (host) => `the image registry ${host}`,
    on: (what, machine) => `${what} on ${machine}`,
    cni: (plugin) => `the CNI plug-in ${plugin}`,
    service: (name) => (name === 'kubelet' ? 'the kubelet' : name),
    nameless: (kind) => `a ${kind}`,
    controller: (kind) => `the ${kind} controller`,
  },
  'zh-CN': {
    apiserver: 'API Server',
    etcd: 'etcd',
    scheduler: '调度器',
    controllerManager: '控制器管理器',
    operator: 'kubectl',
    anObject: '一个对象',
    yourMachine: '你的机器',
    registry: (host) => `镜像仓库 ${host}`,
    on: (what, machine) => `${machine} 上的 ${what}`,
    cni: (plugin) => `CNI 插件 ${plugin}`,
    service: (name) => name,
    nameless: (kind) => `一个 ${kind}`,
    controller: (kind) => `${kind} 控制器`,
  },
};

const ON_MACHINE = ['kube-proxy', 'kube-flannel', 'coredns', 'calico-node'] as const;
const DISPLAY: Readonly<Record<(typeof ON_MACHINE)[number], string>> = { 'kube-proxy': 'kube-proxy', 'kube-flannel': 'flannel', coredns: 'CoreDNS', 'calico-node': 'Calico' };

/** The short name of whatever runs at a place; `near` is a machine already spoken of, which is then left out. */
export function actorName(place: Place, language: Language, near = ''): string {
  const words = WORDS[language];
  const on = (what: string, machine: string): string => (machine === near ? what : words.on(what, machine));
  const parts = place.split('/');
  if (parts[0] === 'internet' || parts[0] === 'registry') return words.registry(parts[1] ?? '');
  if (parts[0] !== 'machine') return place;
  const [, machine = '', what = '', third = '', fourth = ''] = parts;
  if (machine === 'operator') return words.operator;
  if (what === 'pod') {
    if (third === 'kube-system' || third === 'kube-flannel') {
      if (fourth.startsWith('kube-apiserver')) return words.apiserver;
      if (fourth.startsWith('etcd')) return words.etcd;
      if (fourth.startsWith('kube-scheduler')) return words.scheduler;
      if (fourth.startsWith('kube-controller-manager')) return words.controllerManager;
      const own = ON_MACHINE.find((prefix) => fourth.startsWith(prefix));
      if (own) return on(DISPLAY[own], machine);
    }
    return `Pod ${fourth}`;
  }
  if (what === 'cni') return on(words.cni(third), machine);
  if (what === '') return machine;
  return on(words.service(what), machine);
}

/** The machine that a place lies on, '' when it is none. */
export const machineOf = (place: Place): string => (place.startsWith('machine/') ? (place.split('/')[1] ?? '') : '');

/** The machine of a place in words. */
export const machineName = (place: Place, language: Language): string => {
  const name = machineOf(place);
  return name === 'operator' ? WORDS[language].yourMachine : name;
};

/** What a record is about: `Pod web-x`. */
export function objectName(subject: Subject | null, language: Language): string {
  if (!subject) return WORDS[language].anObject;
  const kind = subject.kind || subject.resource;
  return subject.name === '' ? WORDS[language].nameless(kind) : `${kind} ${subject.name}`;
}

/** Controllers whose objects carry another name than the controller. */
const CONTROLLER_OF: Readonly<Record<string, string>> = { Service: 'EndpointSlice', Endpoints: 'EndpointSlice', Pod: 'Pod' };

export function controllerName(subject: Subject | null, language: Language): string {
  if (!subject) return WORDS[language].controllerManager;
  return WORDS[language].controller(CONTROLLER_OF[subject.kind] ?? subject.kind);
}
