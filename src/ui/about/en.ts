// What the About dialog says, in English. The other catalogues have the same keys; a missing one is a type error.
// A simplification that comes or goes in a room changes its line here, in both languages.

export const en = {
  title: 'About Orrery',
  close: 'Close',
  what: 'Orrery is a working model of a Kubernetes cluster that runs in this browser tab, for people who teach and learn Kubernetes. It boots from itself as kubeadm boots a real cluster, and every token that moves on screen is a message that one simulated process sent to another.',
  facts: {
    models: { name: 'Models', value: 'Kubernetes 1.36' },
    licence: { name: 'Licence', value: 'Apache-2.0' },
    notice: {
      name: 'Notice',
      value: 'Types, schema and the help texts of the editor are built from the official OpenAPI document of Kubernetes 1.36, as published in the npm package @kubernetes/client-node (Copyright The Kubernetes Authors, Apache-2.0). Kubernetes is a registered trademark of The Linux Foundation; this project is not affiliated with it.',
    },
  },
  keys: {
    title: 'Keyboard',
    where: 'These keys work wherever the focus is, except while you type or while a dialog is open; F5 works even then. A focused list, row of tabs, slider or button keeps the keys it needs itself.',
    list: {
      next: { keys: '→ PageDown Space', does: 'one step on' },
      back: { keys: '← PageUp', does: 'one step back' },
      start: { keys: 'Home', does: 'to the start of the flow' },
      search: { keys: '/', does: 'find an object' },
      present: { keys: 'F5', does: 'presenter mode on or off' },
      blank: { keys: '. b', does: 'black screen, in presenter mode; any key but F5 ends it' },
      escape: { keys: 'Esc', does: 'closes the payload, else leaves presenter mode, else drops the selection' },
    },
  },
  simplified: {
    title: 'What is simplified on purpose',
    intro: 'Where Orrery differs from a real cluster, room by room.',
    rooms: {
      apiserver: {
        name: 'API server',
        facts: {
          storage: 'Objects are kept as JSON values, not as protobuf; etcdctl shows them as JSON.',
          fairness: 'Priority and fairness has its objects, queues and seats, but lends no seats between levels and shares by simple queues.',
          cel: 'CEL runs with a cost of one for each step; costs are not estimated when a policy or a CustomResourceDefinition is written.',
          webhooks: 'Validating webhooks are asked one after the other; conversion webhooks of CustomResourceDefinitions are not called.',
          convert: 'Server-side apply compares versions of HorizontalPodAutoscaler and Event only; other kinds have one version.',
          proxy: 'OpenAPI documents of aggregated APIs are not merged, and proxied requests cannot be upgraded.',
          devices: 'Kinds of dynamic resource allocation are stored and checked lightly; nothing allocates devices.',
          watch: 'One watch of etcd serves all keys.',
        },
      },
      security: {
        name: 'Security',
        facts: {
          certificates: 'Certificates are signed by a keyed hash, not by real cryptography.',
          tokens: 'Tokens are real JWTs with ES256 signatures, but of keys that everybody can know: they must be the same in every run.',
          policy: 'The bootstrap roles leave out those of features that are off.',
          tls: 'TLS inside the cluster is an identity without encryption; the bridge for a real kubectl speaks real TLS.',
        },
      },
      api: {
        name: 'API',
        facts: {
          validation: 'Validation covers the fields that beginners touch; rare ones are checked for structure only.',
          hash: "pod-template-hash uses upstream's algorithm over another serialisation, so its letters differ.",
        },
      },
      controllers: {
        name: 'Controllers',
        facts: {
          autoscaling: 'HorizontalPodAutoscaler works by resource metrics; for pods, object and external metrics it says so unless an adapter serves them.',
          timezones: "CronJob knows all IANA time zones with the rules for summer time of 2026, for every year; Morocco's hour less in Ramadan is left out.",
          signing: "A certificate request made by openssl is read and signed, but the certificate is in this cluster's own form.",
          storage: 'Disks of the built-in CSI driver belong to a volume service outside the simulated network; snapshots, volume attribute classes and mount options have no effect.',
        },
      },
      scheduler: {
        name: 'Scheduler',
        facts: {
          plugins: 'It has all extension points and the default plug-ins of 1.36; extenders and gang scheduling are not modelled, and Permit plug-ins cannot make a Pod wait.',
          devices: "No driver publishes devices: a ResourceClaim that nobody has allocated cannot be satisfied, and its Pods wait with upstream's message.",
        },
      },
      kubelet: {
        name: 'Kubelet and runtime',
        facts: {
          shims: 'There are no shim processes.',
          pleg: "The kubelet lists its containers once a second; a listing that finds nothing new is neither made nor shown. With featureGates EventedPLEG: true in its configuration it hears of every change at once.",
          usage: 'Programs use CPU and memory by declared figures: idle ones, 250 µs of CPU for an HTTP request, and real work for stress, loops and hpa-example.',
          memory: 'Memory has no page cache and no swap; the disk is one file system, with images counted at their compressed size. Large files of zeros are counted, not kept.',
          eviction: 'The eviction manager looks when memory or disk passes a threshold, at its next ten-second instant; inodes are not watched.',
          owners: 'File owners and permissions are shown but not enforced; what is mounted read-only, and a read-only root, is. fsGroup has no effect.',
          volumes: 'An NFS mount keeps answering after its server is gone, where a real one hangs. The bytes of Block volumes are text.',
          logs: 'Rotated logs that are compressed keep their size only.',
          docker: 'Docker has no socket activation: systemctl stop docker really stops it. cri-dockerd reports container events, which the real one does not; docker images estimates disk usage from the compressed size.',
          tools: 'crictl, docker and ctr have their everyday commands only, and go templates know field paths only. Some programs have other names in ps than real ones.',
          declared: 'Image sizes and start-up times are declared.',
        },
      },
      images: {
        name: 'Images',
        facts: {
          programs: 'The programs in images are models: about 130 images are known as plain servers; nginx, httpd, redis, databases, shells, curl, kubectl and test tools do their work.',
          unknown: 'Images outside the catalogue run as a server on declared, flagged and probed ports (80 and 8080 if none), or as a 5 s task in a Job or init position; an event Simulated says so.',
          existence: 'Which images do not exist is judged by name: placeholders, unknown official names, unknown hosts, private clouds without a secret.',
          databases: 'mysql, mariadb, postgres and mongo understand simple statements on single tables or collections and keep them in files of their own format; only the clients of these images speak to them.',
          oneLiners: 'python, perl and node understand one-line programs; longer ones are taken for servers.',
          packages: 'A package manager makes known network tools appear; other packages only leave an empty file.',
          behaviour: 'The annotation sim.k8s/behavior.<container> declares behaviour and means nothing on a real cluster.',
          redis: 'Redis has no transactions, replication, sorted sets or streams.',
          digests: 'Image digests are stand-ins.',
          registries: 'A registry of an account (azurecr.io, amazonaws.com …) gives its images to any credentials whose password is not empty and does not contain wrong, invalid or expired.',
        },
      },
      network: {
        name: 'Network',
        facts: {
          modes: 'The IPVS rules of iptables stand even while their sets are empty; ipvsadm counts connections, not bytes.',
          bridge: "A bridge's forwarding table is derived, not learned.",
          arp: 'ARP costs no time when it succeeds, and a neighbour that stops answering is noticed at once, not after its entry has gone stale.',
          tcp: 'There are no half-closed TCP connections.',
          counters: 'iptables, nftables and interfaces have no counters.',
          tcpdump: "tcpdump's lengths and sequence numbers are estimates; one message is one segment.",
          ipv6: 'IPv6 is link-local addresses and fields of Services; nothing is routed over it.',
          tun: "flannel's udp backend needs no /dev/net/tun in the Pod.",
          packet: 'A question to a packet takes the first of several backends unless another is chosen, shows port 1024 where masquerading picks one at random, and looks names up in a copy of the cluster at that instant.',
          calico: "Calico is installed without a tunnel (CALICO_IPV4POOL_IPIP=Never); VXLAN can be switched on in the IPPool, IPIP is not modelled. Its raw and mangle tables are written and shown, but packets do not pass them. Where a node's blocks begin in the pool differs from Go's random numbers; when its DEL fails, the sandbox is removed all the same and the address is collected later.",
          policy: "Calico's CRDs check the fields that people write most. Host endpoints, staged policies, further tiers, Log actions, ICMP types and source ports have no effect; with kube-proxy in IPVS mode ingress policy is not applied to traffic that comes through a Service. Flannel enforces no NetworkPolicy, as the real one.",
          metallb: 'MetalLB announces by layer 2 only; BGP and its resources are left out. ARP answers are no packets of their own: tcpdump does not show them, and the segment learns a move at once.',
          ingress: 'ingress-nginx writes those parts of nginx.conf that have an effect here; its Lua is modelled, and ModSecurity, snippets, basic authentication and metrics are left out.',
          gateway: 'Of the Gateway API there are GatewayClass, Gateway, HTTPRoute and ReferenceGrant. NGINX Gateway Fabric speaks to its agents over a stream of its own instead of gRPC; NginxProxy and its policies are left out.',
          openssl: "openssl makes certificates in this house's own form; real X.509 certificates in a Secret are served but not read.",
          wire: "A lost TCP message is sent again as a whole; window and rate under loss are computed, not simulated segment by segment. netem's corruption counts as loss; duplication, reordering and distributions are not modelled. An oversized VXLAN envelope is fragmented; reassembly costs nothing.",
          internet: 'The internet is one machine that answers for 203.0.113.0/24.',
          resolver: "Every program resolves names as glibc does; musl's differences are not modelled.",
          coredns: "CoreDNS' plug-ins beyond those of kubeadm, hosts, log, rewrite, template, whoami, any and minimal are accepted and do nothing; it counts what matters, without process_* and go_*; the serial of the cluster's zone is the present time.",
          flanneld: 'flanneld logs the first 64 lease events, and not its “Batch elem” lines.',
        },
      },
      etcd: {
        name: 'etcd and high availability',
        facts: {
          members: 'Raft is complete, but for now the cluster runs one member and one control-plane machine.',
        },
      },
      kubeadm: {
        name: 'kubeadm',
        facts: {
          phases: 'Its phases are the real ones.',
          ssh: 'On the other machines kubeadm is started directly instead of through ssh. The ssh of the terminal asks for no keys and is not encrypted.',
          join: 'kubeadm join does not verify the signature of cluster-info.',
          dns: "The names of the outside world come from one small DNS server at the operator's machine, which knows a sample of top-level domains.",
        },
      },
      kubectl: {
        name: 'kubectl',
        facts: {
          help: 'Its help has the commands, usage lines and flags of kubectl 1.36 with explanations of our own.',
          left: 'The preferences of kuberc, pruning by apply sets and plug-ins are not there; from the web it reads the manifests of known add-ons only; kustomize knows no replacements, helm charts or plug-ins.',
        },
      },
      time: {
        name: 'Time',
        facts: {
          figures: 'How long work takes (CPU time of components, disk syncs, image pulls) is modelled with plausible figures, not measured ones.',
        },
      },
    },
  },
};

type Words<T> = { readonly [K in keyof T]: T[K] extends string ? string : Words<T[K]> };

/** What a catalogue of the dialog must hold, in any language. */
export type AboutText = Words<typeof en>;
