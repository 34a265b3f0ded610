// Which sentences exist: `<kind>.<verb>` of trace records with the verb in lower case and without punctuation, and
// `<kind>.other` for every verb that has none of its own. Both languages must have all of them.

import type { TraceKind } from '../../session/protocol.ts';

export const SENTENCE_KEYS = [
  'input.other', 'input.command', 'input.apply', 'input.delete', 'input.kubectl', 'input.wire',
  'http.other', 'http.get', 'http.list', 'http.watch', 'http.create', 'http.update', 'http.patch', 'http.apply', 'http.delete',
  'http.deletecollection', 'http.bind', 'http.evict', 'http.response', 'http.discovery', 'http.token', 'http.status',
  'http.createvolume', 'http.deletevolume', 'http.controllerpublishvolume', 'http.controllerunpublishvolume', 'http.controllerexpandvolume', 'http.nodestagevolume', 'http.nodeunstagevolume', 'http.nodepublishvolume', 'http.nodeunpublishvolume', 'http.nodeexpandvolume',
  'watch.other', 'watch.added', 'watch.modified', 'watch.deleted', 'watch.bookmark', 'watch.error',
  'apiserver.other', 'apiserver.impersonate', 'apiserver.bind', 'apiserver.watch', 'apiserver.review', 'apiserver.allocate', 'apiserver.scale', 'apiserver.token', 'apiserver.connect', 'apiserver.authenticate', 'apiserver.audit', 'apiserver.priorityandfairness', 'apiserver.authorize', 'apiserver.admit',
  'apiserver.mutate', 'apiserver.decode', 'apiserver.default', 'apiserver.validate', 'apiserver.validatingadmit', 'apiserver.storage',
  'apiserver.etcd', 'apiserver.cache', 'apiserver.response', 'apiserver.reject', 'apiserver.convert', 'apiserver.serve',
  'etcd.other', 'etcd.status', 'etcd.progress', 'etcd.range', 'etcd.txn', 'etcd.put', 'etcd.deleterange', 'etcd.watch', 'etcd.event', 'etcd.lease', 'etcd.compact', 'etcd.response',
  'raft.other', 'raft.response', 'raft.propose', 'raft.append', 'raft.appendresponse', 'raft.persist', 'raft.commit', 'raft.apply', 'raft.vote', 'raft.heartbeat',
  'controller.other', 'controller.sync', 'controller.error',
  'scheduler.other', 'scheduler.enqueue', 'scheduler.schedule', 'scheduler.snapshot', 'scheduler.prefilter', 'scheduler.filter',
  'scheduler.postfilter', 'scheduler.prescore', 'scheduler.score', 'scheduler.select', 'scheduler.assume', 'scheduler.reserve',
  'scheduler.permit', 'scheduler.prebind', 'scheduler.bind', 'scheduler.postbind', 'scheduler.unschedulable', 'scheduler.preempt', 'scheduler.error',
  'kubelet.reclaim', 'kubelet.probe',
  'kubelet.other', 'kubelet.observe', 'kubelet.nodestatus', 'kubelet.sandbox', 'kubelet.certificate', 'kubelet.sync', 'kubelet.admit', 'kubelet.reject', 'kubelet.updatestatus', 'kubelet.mount', 'kubelet.unmount', 'kubelet.cgroup',
  'kubelet.secrets', 'kubelet.actions', 'kubelet.pleg', 'kubelet.start', 'kubelet.kill', 'kubelet.backoff', 'kubelet.terminate', 'kubelet.cleanup',
  'kubelet.register', 'kubelet.add', 'kubelet.update', 'kubelet.remove', 'kubelet.evict', 'kubelet.ready',
  'cri.updatecontainerresources', 'cri.listcontainerstats', 'cri.listpodsandbox', 'cri.listimages',
  'cri.other', 'cri.answer', 'cri.runpodsandbox', 'cri.runpodsandboxanswer', 'cri.createcontainer', 'cri.createcontaineranswer', 'cri.startcontainer',
  'cri.startcontaineranswer', 'cri.stopcontainer', 'cri.stopcontaineranswer', 'cri.removecontainer', 'cri.stoppodsandbox', 'cri.removepodsandbox',
  'cri.pullimage', 'cri.pullimageanswer', 'cri.removeimage', 'cri.imagestatus', 'cri.imagestatusanswer', 'cri.podsandboxstatus', 'cri.containerstatus',
  'cri.listcontainers', 'cri.containerevent', 'cri.execsync', 'cri.version', 'cri.status',
  'cni.other', 'cni.add', 'cni.del', 'cni.check', 'cni.result',
  'image.other', 'image.pull', 'image.resolve', 'image.unpack', 'image.remove',
  'process.other', 'process.phase', 'process.power', 'process.start', 'process.exit', 'process.signal', 'process.oom',
  'network.other', 'network.address', 'network.cut', 'network.mend', 'network.add', 'network.change', 'network.remove', 'network.route', 'network.neighbour', 'network.fdb', 'network.rules', 'network.arpannounce',
  'packet.other', 'packet.connect', 'packet.deliver', 'packet.drop', 'packet.send',
  'dns.other', 'dns.query', 'dns.answer', 'dns.response', 'dns.nxdomain',
  'probe.other', 'probe.readiness', 'probe.liveness', 'probe.startup', 'probe.success', 'probe.failure', 'probe.request', 'probe.response',
  'dataplane.other', 'dataplane.routenode', 'dataplane.forgetnode', 'dataplane.sync', 'dataplane.write', 'dataplane.rules', 'dataplane.subnet', 'dataplane.route', 'dataplane.neighbour', 'dataplane.fdb',
  'dataplane.policy', 'dataplane.bgpopen', 'dataplane.bgpupdate', 'dataplane.bgpnotification',
  'file.other', 'file.write', 'file.read', 'file.remove',
] as const;

export type SentenceKey = (typeof SENTENCE_KEYS)[number];

/** What a sentence may speak of. All are words ready to be put in: names, not yet a sentence. */
export interface Told {
  /** Who acts or sends. */
  readonly from: string;
  /** Who receives; the same as `from` for a step inside one component. */
  readonly to: string;
  /** The object it is about, such as `Pod web-x`; a general word when there is none. */
  readonly object: string;
  /** Name of the object, '' when there is none. */
  readonly name: string;
  /** Kind of the object, '' when there is none. */
  readonly kind: string;
  /** The machine where it happens, '' when it is none's. */
  readonly machine: string;
  /** The controller that looks after this kind of object. */
  readonly controller: string;
  /** The verb as the trace has it. */
  readonly verb: string;
}

export type Sentences = Readonly<Record<SentenceKey, (t: Told) => string>>;

const KNOWN: ReadonlySet<string> = new Set(SENTENCE_KEYS);

/** Other spellings that rooms use for the same thing, after lower-casing. */
const ALIASES: Readonly<Record<string, string>> = {
  'http.post': 'http.create',
  'http.put': 'http.update',
  'http.updatestatus': 'http.status',
  'http.patchstatus': 'http.status',
  'http.binding': 'http.bind',
  'http.eviction': 'http.evict',
  'apiserver.authentication': 'apiserver.authenticate',
  'apiserver.authorization': 'apiserver.authorize',
  'apiserver.flowcontrol': 'apiserver.priorityandfairness',
  'apiserver.mutatingadmission': 'apiserver.mutate',
  'apiserver.mutatingadmit': 'apiserver.mutate',
  'apiserver.admission': 'apiserver.admit',
  'apiserver.validatingadmission': 'apiserver.validatingadmit',
  'apiserver.validateadmit': 'apiserver.validatingadmit',
  'apiserver.defaulting': 'apiserver.default',
  'apiserver.validation': 'apiserver.validate',
  'apiserver.registry': 'apiserver.storage',
  'apiserver.store': 'apiserver.storage',
  'etcd.get': 'etcd.range',
  'etcd.leasegrant': 'etcd.lease',
  'etcd.leasekeepalive': 'etcd.lease',
  'etcd.leaserevoke': 'etcd.lease',
  'etcd.added': 'etcd.event',
  'etcd.modified': 'etcd.event',
  'etcd.deleted': 'etcd.event',
  'etcd.events': 'etcd.event',
  'raft.requestvote': 'raft.vote',
  'raft.voteresponse': 'raft.vote',
  'raft.heartbeatresponse': 'raft.heartbeat',
  'raft.appendentries': 'raft.append',
  'controller.reconcile': 'controller.sync',
  'scheduler.queue': 'scheduler.enqueue',
  'scheduler.cycle': 'scheduler.schedule',
  'scheduler.selecthost': 'scheduler.select',
  'scheduler.failed': 'scheduler.unschedulable',
  'scheduler.fail': 'scheduler.unschedulable',
  'kubelet.syncpod': 'kubelet.sync',
  'kubelet.syncterminatingpod': 'kubelet.terminate',
  'kubelet.syncterminatedpod': 'kubelet.cleanup',
  'kubelet.syncterminating': 'kubelet.terminate',
  'kubelet.syncterminated': 'kubelet.cleanup',
  'kubelet.status': 'kubelet.updatestatus',
  'kubelet.mountvolumes': 'kubelet.mount',
  'kubelet.volumes': 'kubelet.mount',
  'kubelet.unmountvolumes': 'kubelet.unmount',
  'kubelet.computeactions': 'kubelet.actions',
  'kubelet.killpod': 'kubelet.kill',
  'kubelet.killcontainer': 'kubelet.kill',
  'kubelet.startcontainer': 'kubelet.start',
  'network.set': 'network.change',
  'network.create': 'network.add',
  'network.update': 'network.change',
  'network.delete': 'network.remove',
  'network.del': 'network.remove',
  'network.interface': 'network.add',
  'network.replace': 'network.rules',
  'probe.fail': 'probe.failure',
  'probe.succeed': 'probe.success',
  'apiserver.respond': 'apiserver.response',
  'apiserver.admissionvalidate': 'apiserver.validatingadmit',
  'etcd.watchprogress': 'etcd.progress',
  'kubelet.registernode': 'kubelet.register',
  'kubelet.updatenodestatus': 'kubelet.nodestatus',
  'kubelet.computepodactions': 'kubelet.actions',
  'kubelet.createsandbox': 'kubelet.sandbox',
  'kubelet.requestcertificate': 'kubelet.certificate',
  'packet.lost': 'packet.drop',
  'packet.udp': 'packet.send',
  'packet.datagram': 'packet.send',
  'packet.echorequest': 'packet.send',
  'packet.echoreply': 'packet.deliver',
  'packet.answer': 'packet.deliver',
  'dns.reply': 'dns.answer',
  'probe.get': 'probe.request',
  'probe.check': 'probe.request',
  'network.linkcut': 'network.cut',
  'network.linkmend': 'network.mend',
  'network.linkdel': 'network.remove',
  'network.linkset': 'network.change',
  'network.linkplug': 'network.mend',
  'process.poweron': 'process.power',
  'process.poweroff': 'process.power',
  'dataplane.syncrules': 'dataplane.rules',
  'dataplane.syncproxyrules': 'dataplane.rules',
  'dataplane.syncproxy': 'dataplane.rules',
};

/** Verbs of the network room are built of what changes and how. */
const NETWORK_PREFIXES = [
  ['route', 'network.route'], ['neigh', 'network.neighbour'], ['fdb', 'network.fdb'], ['rules', 'network.rules'], ['address', 'network.address'],
  ['linkadd', 'network.add'], ['link', 'network.change'],
] as const satisfies readonly (readonly [string, SentenceKey])[];

/** What Docker's API calls what CRI has another word for. */
const DOCKER_CALLS: readonly (readonly [RegExp, string])[] = [
  [/^POST \/images\/create/, 'PullImage'],
  [/^DELETE \/images/, 'RemoveImage'],
  [/^POST \/containers\/create/, 'CreateContainer'],
  [/^POST \/containers\/\w+\/start/, 'StartContainer'],
  [/^POST \/containers\/\w+\/stop/, 'StopContainer'],
  [/^POST \/containers\/\w+\/exec/, 'ExecSync'],
  [/^DELETE \/containers\/\w{12}/, 'RemoveContainer'],
];

function withoutDocker(verb: string): string {
  if (!verb.includes('/')) return verb;
  const word = DOCKER_CALLS.find(([pattern]) => pattern.test(verb))?.[1] ?? 'other';
  return verb.endsWith('Response') ? `${word}Response` : word;
}

/** The key of the sentence for a record's kind and verb. */
export function sentenceKey(kind: TraceKind, called: string): SentenceKey {
  const verb = kind === 'cri' ? withoutDocker(called) : called;
  const plain = verb.replace(/[^a-z0-9]/gi, '').toLowerCase();
  const asked = `${kind}.${plain}`;
  const found = known(asked);
  if (found) return found;
  if (kind === 'cri' && plain.endsWith('response')) {
    return known(`cri.${plain.slice(0, -'response'.length)}answer`) ?? 'cri.answer';
  }
  if (kind === 'network') return NETWORK_PREFIXES.find(([prefix]) => plain.startsWith(prefix))?.[1] ?? 'network.other';
  if (kind !== 'http' && plain.endsWith('response')) return known(`${kind}.response`) ?? `${kind}.other`;
  return `${kind}.other`;
}

function known(key: string): SentenceKey | undefined {
  if (KNOWN.has(key)) return key as SentenceKey;
  return ALIASES[key] as SentenceKey | undefined;
}
