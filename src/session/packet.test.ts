// Questions about packets in a whole cluster: the hops as a person reads them, and that asking leaves no trace.

import { beforeAll, describe, expect, it } from 'vitest';
import type { CommandAction, Packet, PacketAnswer, PacketQuestion, PacketWay } from './protocol.ts';
import { SECOND } from '../cluster/sim/time.ts';
import { NEW_SESSION, Session } from './session.ts';
import { tools } from './tools.ts';

const kubectl = (line: string): CommandAction => ({ type: 'kubectl', argv: line.split(' ') });
const on = (node: string): string => `--overrides={"spec":{"nodeName":"${node}"}}`;

const ends = (p: Packet): string => (p.protocol === 'icmp' ? `${p.src}>${p.dst}` : `${p.src}:${p.sport}>${p.dst}:${p.dport}`);

/** One line a hop: where, by which interfaces, the rows that decided, the headers where they changed. */
function told(way: PacketWay | null): string[] {
  if (way === null) return [];
  const lines = way.hops.map((hop) => {
    const port = (name: string, at: string): string => (at === '' || at === name ? name : `${name}:${at}`);
    const rows = hop.rows.filter((r) => r.decisive).map((r) => [r.action, r.table, r.comment || r.rule, r.reason, r.asked].filter((x) => x !== '' && x !== null).join(' '));
    const headers = ends(hop.before) === ends(hop.after) ? ends(hop.after) : `${ends(hop.before)} => ${ends(hop.after)}`;
    const envelope = hop.inner === null ? '' : ` around ${ends(hop.inner)}`;
    return `${hop.machine}/${hop.pod === '' ? hop.netns : hop.pod} ${port(hop.in, hop.inPort)}→${port(hop.out, hop.outPort)} [${rows.join(' | ')}] ${headers}${envelope}`.replaceAll(/\b[0-9a-f]{2}(:[0-9a-f]{2}){5}\b/g, 'MAC').replaceAll(/veth\w+/g, 'veth').replaceAll(/[A-Z0-9]{16}/g, 'HASH');
  });
  return way.delivered ? lines : [...lines, `lost: ${way.reason} at hop ${(way.failure?.hop ?? -1) + 1}`];
}


describe('asking the packet', () => {
  let session: Session;
  let podIp = '';
  const summary = (a: PacketAnswer): string[] => {
    const names = session.packets.ends().from.filter((e) => e.value.startsWith('pod/default/'));
    const named = (line: string): string => names.reduce((l, { address, name }) => l.replaceAll(new RegExp(`\\b${address.replaceAll('.', '\\.')}\\b`, 'g'), name.toUpperCase()), line);
    return [`${a.outcome} ${a.receiver}`.trim(), ...told(a.request), ...(a.reply === null ? [] : ['back:']), ...told(a.reply)].map(named);
  };
  const ask = (from: string, to: string, more: Partial<PacketQuestion> = {}): PacketAnswer => session.packets.ask({ from, to, protocol: null, port: null, ...more });
  const run = (machine: string, command: string): void => {
    session.type(`ssh ${machine} ${command}\r`);
    session.seek(session.live + SECOND);
    session.toLive();
  };

  const act = (line: string): number => {
    session.toLive();
    return session.act(kubectl(line)).flow;
  };

  beforeAll(() => {
    session = new Session(NEW_SESSION, tools);
    act(`run a --image=nginx ${on('worker-1')}`);
    act(`run near --image=nginx --labels=app=web ${on('worker-1')}`);
    act(`run far --image=nginx --labels=app=web ${on('worker-2')}`);
    act('create service nodeport web --tcp=80:80 --node-port=30080');
    act('create service clusterip empty --tcp=80:80');
    session.seek(session.live + 30 * SECOND);
    session.toLive();
    podIp = session.packets.ends().from.find((e) => e.value === 'pod/default/far')?.address ?? '';
  });

  it('same node: through the bridge', () => {
    expect(summary(ask('pod/default/a', 'pod/default/near'))).toMatchInlineSnapshot(`
      [
        "answered nginx",
        "worker-1/default/a →eth0 [route main 10.244.1.0/24 dev eth0 | transmit peer host/veth] A:60999>NEAR:80",
        "worker-1/host cni0:veth→cni0:veth [bridge bridge port veth | filter filter/FLANNEL-FWD flanneld forward] A:60999>NEAR:80",
        "worker-1/default/near eth0→ [deliver] A:60999>NEAR:80",
        "back:",
        "worker-1/default/near →eth0 [route main 10.244.1.0/24 dev eth0 | transmit peer host/veth] NEAR:80>A:60999",
        "worker-1/host cni0:veth→cni0:veth [bridge bridge port veth | filter filter/KUBE-FORWARD kubernetes forwarding conntrack rule] NEAR:80>A:60999",
        "worker-1/default/a eth0→ [deliver] NEAR:80>A:60999",
      ]
    `);
  });

  it('another node: in an envelope', () => {
    expect(summary(ask('pod/default/a', `http://${podIp}`))).toMatchInlineSnapshot(`
      [
        "answered nginx",
        "worker-1/default/a →eth0 [route main 10.244.0.0/16 via 10.244.1.1 dev eth0 | transmit peer host/veth] A:60999>FAR:80",
        "worker-1/host cni0:veth→flannel.1 [route main 10.244.2.0/24 via 10.244.2.0 dev flannel.1 onlink | filter filter/FLANNEL-FWD flanneld forward | neighbour 10.244.2.0 lladdr MAC PERMANENT | encapsulate fdb MAC dst 192.168.66.22] A:60999>FAR:80",
        "worker-1/host →eth0 [route main 192.168.66.0/24 dev eth0 | transmit neighbour 192.168.66.22 lladdr MAC] 192.168.66.21:32771>192.168.66.22:8472 around A:60999>FAR:80",
        "worker-2/host eth0→ [deliver] 192.168.66.21:32771>192.168.66.22:8472 around A:60999>FAR:80",
        "worker-2/host flannel.1→cni0:veth [decapsulate | route main 10.244.2.0/24 dev cni0 | filter filter/FLANNEL-FWD flanneld forward | bridge bridge port veth] A:60999>FAR:80",
        "worker-2/default/far eth0→ [deliver] A:60999>FAR:80",
        "back:",
        "worker-2/default/far →eth0 [route main 10.244.0.0/16 via 10.244.2.1 dev eth0 | transmit peer host/veth] FAR:80>A:60999",
        "worker-2/host cni0:veth→flannel.1 [route main 10.244.1.0/24 via 10.244.1.0 dev flannel.1 onlink | filter filter/KUBE-FORWARD kubernetes forwarding conntrack rule | neighbour 10.244.1.0 lladdr MAC PERMANENT | encapsulate fdb MAC dst 192.168.66.21] FAR:80>A:60999",
        "worker-2/host →eth0 [route main 192.168.66.0/24 dev eth0 | transmit neighbour 192.168.66.21 lladdr MAC] 192.168.66.22:32771>192.168.66.21:8472 around FAR:80>A:60999",
        "worker-1/host eth0→ [deliver] 192.168.66.22:32771>192.168.66.21:8472 around FAR:80>A:60999",
        "worker-1/host flannel.1→cni0:veth [decapsulate | route main 10.244.1.0/24 dev cni0 | filter filter/KUBE-FORWARD kubernetes forwarding conntrack rule | bridge bridge port veth] FAR:80>A:60999",
        "worker-1/default/a eth0→ [deliver] FAR:80>A:60999",
      ]
    `);
  });

  it('a Service: which backends there are, the one taken, and another at wish', () => {
    const answer = ask('pod/default/a', 'service/default/web');
    const choice = answer.request?.hops.flatMap((h) => h.rows).find((r) => r.choice !== null)?.choice;
    expect(choice?.among.map((b) => b.probability)).toEqual([0.5, 0.5]);
    const other = choice?.among[1 - choice.taken]?.backend ?? '';
    const again = ask('pod/default/a', 'service/default/web', { backend: other });
    const arrived = (a: PacketAnswer): string | undefined => a.request?.hops.at(-1)?.after.dst;
    expect(`${arrived(again)}:80`).toBe(other);
    expect(arrived(again)).not.toBe(arrived(answer));
    expect([answer.outcome, again.outcome]).toEqual(['answered', 'answered']);
    expect(summary(ask('pod/default/a', 'service/default/web', { backend: `${podIp}:80` }))).toMatchInlineSnapshot(`
      [
        "answered nginx",
        "worker-1/default/a →eth0 [route main default via 10.244.1.1 dev eth0 | transmit peer host/veth] A:60999>10.101.175.110:80",
        "worker-1/host cni0:veth→flannel.1 [nat nat/KUBE-SVC-HASH default/web:80-80 -> FAR:80 | nat nat/KUBE-SEP-HASH default/web:80-80 | route main 10.244.2.0/24 via 10.244.2.0 dev flannel.1 onlink | filter filter/FLANNEL-FWD flanneld forward | neighbour 10.244.2.0 lladdr MAC PERMANENT | encapsulate fdb MAC dst 192.168.66.22] A:60999>10.101.175.110:80 => A:60999>FAR:80",
        "worker-1/host →eth0 [route main 192.168.66.0/24 dev eth0 | transmit neighbour 192.168.66.22 lladdr MAC] 192.168.66.21:32771>192.168.66.22:8472 around A:60999>FAR:80",
        "worker-2/host eth0→ [deliver] 192.168.66.21:32771>192.168.66.22:8472 around A:60999>FAR:80",
        "worker-2/host flannel.1→cni0:veth [decapsulate | route main 10.244.2.0/24 dev cni0 | filter filter/FLANNEL-FWD flanneld forward | bridge bridge port veth] A:60999>FAR:80",
        "worker-2/default/far eth0→ [deliver] A:60999>FAR:80",
        "back:",
        "worker-2/default/far →eth0 [route main 10.244.0.0/16 via 10.244.2.1 dev eth0 | transmit peer host/veth] FAR:80>A:60999",
        "worker-2/host cni0:veth→flannel.1 [route main 10.244.1.0/24 via 10.244.1.0 dev flannel.1 onlink | filter filter/KUBE-FORWARD kubernetes forwarding conntrack rule | neighbour 10.244.1.0 lladdr MAC PERMANENT | encapsulate fdb MAC dst 192.168.66.21] FAR:80>A:60999",
        "worker-2/host →eth0 [route main 192.168.66.0/24 dev eth0 | transmit neighbour 192.168.66.21 lladdr MAC] 192.168.66.22:32771>192.168.66.21:8472 around FAR:80>A:60999",
        "worker-1/host eth0→ [deliver] 192.168.66.22:32771>192.168.66.21:8472 around FAR:80>A:60999",
        "worker-1/host flannel.1→cni0:veth [decapsulate | route main 10.244.1.0/24 dev cni0 | filter filter/KUBE-FORWARD kubernetes forwarding conntrack rule | conntrack conntrack tcp      6 120 SYN_SENT src=A dst=10.101.175.110 sport=60999 dport=80 [UNREPLIED] src=FAR dst=A sport=80 dport=60999 mark=0 use=1 | bridge bridge port veth] FAR:80>A:60999 => 10.101.175.110:80>A:60999",
        "worker-1/default/a eth0→ [deliver] 10.101.175.110:80>A:60999",
      ]
    `);
  });

  it('a node port of a node without the Pod, from the outside', () => {
    expect(summary(ask('machine/operator', 'http://192.168.66.23:30080', { backend: `${podIp}:80` }))).toMatchInlineSnapshot(`
      [
        "answered nginx",
        "operator/host →eth0 [route main 192.168.66.0/24 dev eth0 | transmit neighbour 192.168.66.23 lladdr MAC] 192.168.66.2:60999>192.168.66.23:30080",
        "worker-3/host eth0→flannel.1 [nat nat/KUBE-SVC-HASH default/web:80-80 -> FAR:80 | nat nat/KUBE-SEP-HASH default/web:80-80 | route main 10.244.2.0/24 via 10.244.2.0 dev flannel.1 onlink | filter filter/KUBE-FORWARD kubernetes forwarding rules | nat nat/KUBE-POSTROUTING kubernetes service traffic requiring SNAT | neighbour 10.244.2.0 lladdr MAC PERMANENT | encapsulate fdb MAC dst 192.168.66.22] 192.168.66.2:60999>192.168.66.23:30080 => 10.244.3.0:1024>FAR:80",
        "worker-3/host →eth0 [route main 192.168.66.0/24 dev eth0 | transmit neighbour 192.168.66.22 lladdr MAC] 192.168.66.23:32769>192.168.66.22:8472 around 10.244.3.0:1024>FAR:80",
        "worker-2/host eth0→ [deliver] 192.168.66.23:32769>192.168.66.22:8472 around 10.244.3.0:1024>FAR:80",
        "worker-2/host flannel.1→cni0:veth [decapsulate | route main 10.244.2.0/24 dev cni0 | filter filter/FLANNEL-FWD flanneld forward | bridge bridge port veth] 10.244.3.0:1024>FAR:80",
        "worker-2/default/far eth0→ [deliver] 10.244.3.0:1024>FAR:80",
        "back:",
        "worker-2/default/far →eth0 [route main 10.244.0.0/16 via 10.244.2.1 dev eth0 | transmit peer host/veth] FAR:80>10.244.3.0:1024",
        "worker-2/host cni0:veth→flannel.1 [route main 10.244.3.0/24 via 10.244.3.0 dev flannel.1 onlink | filter filter/KUBE-FORWARD kubernetes forwarding conntrack rule | neighbour 10.244.3.0 lladdr MAC PERMANENT | encapsulate fdb MAC dst 192.168.66.23] FAR:80>10.244.3.0:1024",
        "worker-2/host →eth0 [route main 192.168.66.0/24 dev eth0 | transmit neighbour 192.168.66.23 lladdr MAC] 192.168.66.22:32769>192.168.66.23:8472 around FAR:80>10.244.3.0:1024",
        "worker-3/host eth0→ [deliver] 192.168.66.22:32769>192.168.66.23:8472 around FAR:80>10.244.3.0:1024",
        "worker-3/host flannel.1→eth0 [decapsulate | conntrack conntrack tcp      6 120 SYN_SENT src=192.168.66.2 dst=192.168.66.23 sport=60999 dport=30080 [UNREPLIED] src=FAR dst=10.244.3.0 sport=80 dport=1024 mark=0 use=1 | route main 192.168.66.0/24 dev eth0 | filter filter/KUBE-FORWARD kubernetes forwarding conntrack rule | conntrack conntrack tcp      6 120 SYN_SENT src=192.168.66.2 dst=192.168.66.23 sport=60999 dport=30080 [UNREPLIED] src=FAR dst=10.244.3.0 sport=80 dport=1024 mark=0 use=1 | transmit neighbour 192.168.66.2 lladdr MAC] FAR:80>10.244.3.0:1024 => 192.168.66.23:30080>192.168.66.2:60999",
        "operator/host eth0→ [deliver] 192.168.66.23:30080>192.168.66.2:60999",
      ]
    `);
  });

  it('refused: nobody listens', () => {
    const answer = ask('pod/default/a', `${podIp}:81`);
    expect([answer.outcome, answer.receiver, answer.reply?.delivered]).toEqual(['refused', '', true]);
  });

  it('no endpoints: a rule refuses', () => {
    expect(summary(ask('pod/default/a', 'service/default/empty'))).toMatchInlineSnapshot(`
      [
        "refused",
        "worker-1/default/a →eth0 [route main default via 10.244.1.1 dev eth0 | transmit peer host/veth] A:60999>10.102.142.122:80",
        "worker-1/host cni0:veth→eth0 [route main default via 192.168.66.1 dev eth0 | drop filter/KUBE-SERVICES default/empty:80-80 has no endpoints rejected] A:60999>10.102.142.122:80",
        "lost: rejected at hop 2",
      ]
    `);
  });

  it('ICMP and UDP', () => {
    expect(ask('machine/worker-3', podIp, { protocol: 'icmp' }).outcome).toBe('answered');
    const dns = ask('pod/default/a', 'service/kube-system/kube-dns', { protocol: 'udp' });
    expect([dns.outcome, dns.receiver]).toEqual(['accepted', 'coredns']);
  });

  it('a size that does not fit into the envelope', () => {
    const { outcome, request } = ask('pod/default/a', podIp, { protocol: 'icmp', size: 1_500 });
    expect([outcome, request?.reason, request?.hops.at(-1)?.rows.at(-1)?.rule]).toEqual(['told', 'message-too-long', 'mtu 1450']);
    expect(ask('pod/default/a', podIp, { protocol: 'icmp', size: 1_450 }).outcome).toBe('answered');
  });

  it('a name: the questions of the search list first', () => {
    const answer = ask('pod/default/a', 'http://web.default');
    const steps = answer.dns?.steps.filter((s) => s.type === 'A').map((s) => `${s.name} ${s.code} ${s.answers.length} ${s.way?.delivered}`);
    expect(steps).toEqual(['web.default.default.svc.cluster.local NXDOMAIN 0 true', 'web.default.svc.cluster.local NOERROR 1 true']);
    expect(answer.outcome).toBe('answered');
    expect(answer.commands[0]).toBe('kubectl exec a -- curl -m 3 http://web.default');
    const nobody = ask('pod/default/a', 'nobody.default.svc.cluster.local');
    expect([nobody.outcome, nobody.request, nobody.dns?.addresses]).toEqual(['nameless', null, []]);
  });

  it('leaves nothing behind', () => {
    const other = new Session({ ...session.log(), until: session.live }, tools);
    const table = (s: Session): unknown => [...s.replica.cluster.machines.values()].map((m) => [m.name, JSON.stringify(s.log()), s.live]);
    for (const to of ['http://web', 'pod/default/far', 'http://192.168.66.23:30080', 'service/default/empty', 'service/kube-system/kube-dns']) ask('pod/default/a', to);
    expect(table(session)).toEqual(table(other));
    expect(session.traceHash()).toBe(other.traceHash());
    for (const s of [session, other]) {
      s.toLive();
      s.act(kubectl('exec a -- curl -s http://web'));
      s.seek(s.live + 5 * SECOND);
    }
    expect(session.traceHash()).toBe(other.traceHash());
  });

  it('a packet that really flowed holds the same hops', () => {
    const flow = act('exec a -- curl -s http://web');
    session.toLive();
    const traced = session.packets.traced(flow).find((p) => p.packet.dport === 80);
    const answer = session.packets.hopsOf(traced?.record ?? 0);
    const asked = ask('pod/default/a', 'service/default/web', { backend: `${answer?.request?.hops.at(-1)?.after.dst}:80` });
    const shape = (way: PacketWay | null | undefined): unknown => way?.hops.map((h) => [h.machine, h.pod, h.in, h.out, h.rows.filter((r) => r.decisive).map((r) => `${r.action} ${r.table}`)]);
    expect(answer?.outcome).toBe('answered');
    expect(shape(answer?.request)).toEqual(shape(asked.request));
    expect(shape(answer?.reply)).toEqual(shape(asked.reply));
  });

  it('faults: the first hop that fails, and its row', () => {
    run('worker-2', 'iptables -I INPUT -p udp --dport 8472 -j DROP');
    expect(summary(ask('pod/default/a', podIp))).toMatchInlineSnapshot(`
      [
        "silent",
        "worker-1/default/a →eth0 [route main 10.244.0.0/16 via 10.244.1.1 dev eth0 | transmit peer host/veth] A:60999>FAR:80",
        "worker-1/host cni0:veth→flannel.1 [route main 10.244.2.0/24 via 10.244.2.0 dev flannel.1 onlink | filter filter/FLANNEL-FWD flanneld forward | neighbour 10.244.2.0 lladdr MAC PERMANENT | encapsulate fdb MAC dst 192.168.66.22] A:60999>FAR:80",
        "worker-1/host →eth0 [route main 192.168.66.0/24 dev eth0 | transmit neighbour 192.168.66.22 lladdr MAC] 192.168.66.21:32771>192.168.66.22:8472 around A:60999>FAR:80",
        "worker-2/host eth0→ [drop filter/INPUT -A INPUT -p udp -m udp --dport 8472 -j DROP dropped] 192.168.66.21:32771>192.168.66.22:8472 around A:60999>FAR:80",
        "lost: dropped at hop 4",
      ]
    `);
    run('worker-2', 'iptables -D INPUT 1');
    run('worker-2', `iptables -I FORWARD -d ${podIp} -j DROP`);
    expect(summary(ask('pod/default/a', podIp)).slice(-2)).toMatchInlineSnapshot(`
      [
        "worker-2/host flannel.1→cni0 [decapsulate | route main 10.244.2.0/24 dev cni0 | drop filter/FORWARD -A FORWARD -d FAR/32 -j DROP dropped] A:60999>FAR:80",
        "lost: dropped at hop 5",
      ]
    `);
    run('worker-2', 'iptables -D FORWARD 1');
    run('worker-1', 'ip route del 10.244.2.0/24');
    expect(summary(ask('pod/default/a', podIp))).toMatchInlineSnapshot(`
      [
        "told",
        "worker-1/default/a →eth0 [route main 10.244.0.0/16 via 10.244.1.1 dev eth0 | transmit peer host/veth] A:60999>FAR:80",
        "worker-1/host cni0:veth→eth0 [route main default via 192.168.66.1 dev eth0 | filter filter/FLANNEL-FWD flanneld forward | drop neighbour host-unreachable 192.168.66.1] A:60999>FAR:80",
        "lost: host-unreachable at hop 2",
      ]
    `);
  });

  it('in the past the tables are as they were', () => {
    const { live } = session;
    session.seek(live - 6 * SECOND);
    expect(ask('pod/default/a', podIp).outcome).toBe('answered');
    session.toLive();
    expect(ask('pod/default/a', podIp).outcome).toBe('told');
  });
});

describe('asking the packet in another network', () => {
  it('names the rule of the policy that lets it pass, or that drops it', () => {
    const session = new Session({ ...NEW_SESSION, topology: { controlPlanes: 1, workers: 2, network: 'calico' } }, tools);
    const act = (line: string): void => {
      session.toLive();
      session.act(kubectl(line));
    };
    act(`run a --image=nginx --labels=may=enter ${on('worker-1')}`);
    act(`run stranger --image=nginx ${on('worker-1')}`);
    act(`run web --image=nginx --labels=app=web ${on('worker-2')}`);
    session.toLive();
    session.act({
      type: 'apply',
      text: 'apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: only}\nspec: {podSelector: {matchLabels: {app: web}}, ingress: [{from: [{podSelector: {matchLabels: {may: enter}}}], ports: [{port: 80}]}]}\n',
    });
    session.seek(session.live + 25 * SECOND);
    const rows = (from: string): string[] => {
      const { outcome, request } = session.packets.ask({ from, to: 'pod/default/web', protocol: null, port: null });
      return [outcome, ...(request?.hops ?? []).flatMap((h) => h.rows.filter((r) => r.decisive && (r.action === 'filter' || r.action === 'drop')).map((r) => `${h.machine} ${r.action} ${r.comment}`))];
    };
    expect(rows('pod/default/a')).toMatchInlineSnapshot(`
      [
        "answered",
        "worker-1 filter Policy explicitly accepted packet.",
        "worker-2 filter KubernetesNetworkPolicy default/only ingress",
        "worker-2 filter Policy explicitly accepted packet.",
      ]
    `);
    expect(rows('pod/default/stranger')).toMatchInlineSnapshot(`
      [
        "silent",
        "worker-1 filter Policy explicitly accepted packet.",
        "worker-2 drop End of tier default. Drop if no policies passed packet",
      ]
    `);
  });
});
