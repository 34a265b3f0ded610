// “关于”对话框的中文文字。键与英文目录相同，缺一个就是类型错误。Pod、Service、Deployment 等名词保留英文。

import type { AboutText } from './en.ts';

export const zh: AboutText = {
  title: '关于 Orrery',
  close: '关闭',
  what: 'Orrery 是一个在浏览器标签页里运行的 Kubernetes 集群工作模型，供教与学使用。它像 kubeadm 启动真实集群那样自行启动，画面上移动的每个标记都是某个模拟进程真正发给另一个进程的消息。',
  facts: {
    models: { name: '模拟版本', value: 'Kubernetes 1.36' },
    licence: { name: '许可证', value: 'Apache-2.0' },
    notice: {
      name: '声明',
      value: '类型、结构和编辑器里的说明文字由 Kubernetes 1.36 的官方 OpenAPI 文档生成，该文档随 npm 包 @kubernetes/client-node 发布（版权归 The Kubernetes Authors 所有，Apache-2.0）。Kubernetes 是 The Linux Foundation 的注册商标，本项目与其没有隶属关系。',
    },
  },
  keys: {
    title: '键盘快捷键',
    where: '无论焦点在哪里，这些键都有效，但正在输入或打开对话框时除外（F5 此时仍有效）。获得焦点的列表、标签栏、滑块和按钮会保留它们自己要用的键。',
    list: {
      next: { keys: '→ PageDown 空格', does: '前进一步' },
      back: { keys: '← PageUp', does: '后退一步' },
      start: { keys: 'Home', does: '回到流程的起点' },
      search: { keys: '/', does: '查找对象' },
      present: { keys: 'F5', does: '进入或退出演示模式' },
      blank: { keys: '. b', does: '在演示模式下黑屏；按 F5 以外的任意键恢复' },
      escape: { keys: 'Esc', does: '关闭内容面板；没有打开时退出演示模式；否则取消选择' },
    },
  },
  simplified: {
    title: '有意简化之处',
    intro: 'Orrery 与真实集群的不同，按部分列出。',
    rooms: {
      apiserver: {
        name: 'API Server',
        facts: {
          storage: '对象以 JSON 值保存，而不是 protobuf；etcdctl 也以 JSON 显示它们。',
          fairness: '优先级与公平性（priority and fairness）有自己的对象、队列和席位，但级别之间不借用席位，公平性由简单的队列实现。',
          cel: 'CEL 每一步的代价都算作一；写入策略或 CustomResourceDefinition 时不估算代价。',
          webhooks: '验证 webhook 逐个调用；CustomResourceDefinition 的转换 webhook 不会被调用。',
          convert: '服务端 apply 只在 HorizontalPodAutoscaler 和 Event 的不同版本之间做比较，其他类型只有一个版本。',
          proxy: '聚合 API 的 OpenAPI 文档不会合并进来，被代理的请求也不能升级协议。',
          devices: '动态资源分配的各种类型可以保存，检查较少，也没有组件真正分配设备。',
          watch: '对 etcd 只开一个 watch，覆盖所有键。',
        },
      },
      security: {
        name: '安全',
        facts: {
          certificates: '证书用带密钥的哈希签名，不是真正的密码学签名。',
          tokens: '令牌是真正的 JWT，带 ES256 签名，但密钥人人可知，因为每次运行都必须相同。',
          policy: '引导角色（bootstrap roles）里没有未启用功能的角色。',
          tls: '集群内的 TLS 只表明身份，不加密；给真实 kubectl 用的网桥使用真正的 TLS。',
        },
      },
      api: {
        name: 'API',
        facts: {
          validation: '校验覆盖初学者会用到的字段，少见的字段只检查结构。',
          hash: 'pod-template-hash 的算法与上游相同，但序列化方式不同，所以得到的字母不一样。',
        },
      },
      controllers: {
        name: '控制器',
        facts: {
          autoscaling: 'HorizontalPodAutoscaler 按资源指标工作；对 pods、object 和 external 指标，没有适配器提供时会如实说明。',
          timezones: 'CronJob 认识全部 IANA 时区，夏令时规则一律按 2026 年；不含摩洛哥斋月期间少一小时的规则。',
          signing: 'openssl 生成的证书签名请求可以读取并签发，但证书采用本集群自己的格式。',
          storage: '内置 CSI 驱动的磁盘属于模拟网络之外的卷服务；快照、卷属性类和挂载选项不起作用。',
        },
      },
      scheduler: {
        name: '调度器',
        facts: {
          plugins: '扩展点齐全，1.36 的默认插件都有；不模拟调度器扩展程序（extender）和成组调度，Permit 插件不能让 Pod 等待。',
          devices: '没有驱动发布设备：未分配的 ResourceClaim 无法满足，使用它的 Pod 以上游的提示保持 Pending。',
        },
      },
      kubelet: {
        name: 'kubelet 与容器运行时',
        facts: {
          shims: '没有 shim 进程。',
          pleg: 'kubelet 每秒列出一次容器；没有新变化的列出既不进行也不显示。在其配置中设 featureGates EventedPLEG: true 后，每个变化立即得知。',
          usage: '程序的 CPU 和内存按声明的数值计算：空闲占用、每个 HTTP 请求 250 微秒 CPU；stress、循环和 hpa-example 则真正占用。',
          memory: '内存没有页缓存和交换区；磁盘只有一个文件系统，镜像按压缩后的大小计算。由零组成的大文件只计大小、不存内容。',
          eviction: '内存或磁盘越过阈值时，驱逐管理器在下一个十秒时刻检查；不监视 inode。',
          owners: '文件的属主和权限只显示、不强制；只读挂载和只读根文件系统会强制。fsGroup 不起作用。',
          volumes: 'NFS 服务器消失后，已挂载的目录仍可读写，真实情况会挂起。Block 卷的内容按文本保存。',
          logs: '轮转后被压缩的日志只保留大小，不保留内容。',
          docker: 'Docker 没有 socket 激活：systemctl stop docker 会真正停止它。cri-dockerd 会上报容器事件，真实的并不会；docker images 的磁盘占用由压缩大小估算。',
          tools: 'crictl、docker 和 ctr 只有日常命令，go 模板只认字段路径。ps 中部分进程名与真实不同。',
          declared: '镜像大小和启动时间是预先声明的。',
        },
      },
      images: {
        name: '镜像',
        facts: {
          programs: '镜像里的程序是模型：约 130 个镜像作为普通服务器；nginx、httpd、redis、数据库、shell、curl、kubectl 和测试工具能完成各自的工作。',
          unknown: '目录之外的镜像按默认方式运行：监听声明、参数和探针中的端口（都没有时为 80 和 8080）；在 Job 或 init 位置则运行 5 秒后成功退出；事件 Simulated 会说明。',
          existence: '镜像是否存在按名称判断：占位名、未知的官方名、未知主机、没有密钥的私有云仓库都会拉取失败。',
          databases: 'mysql、mariadb、postgres、mongo 只理解单表（单集合）的简单语句，数据以自有格式存于文件；只有这些镜像自带的客户端能与其通信。',
          oneLiners: 'python、perl、node 只理解单行程序；更长的程序按服务器处理。',
          packages: '包管理器只会让已知的网络工具出现；其他软件包只留下空文件。',
          behaviour: '注解 sim.k8s/behavior.<容器> 声明容器行为，在真实集群上不起作用。',
          redis: 'redis 没有事务、复制、有序集合和流。',
          digests: '镜像摘要（digest）是替代值。',
          registries: '需要账号的镜像仓库（azurecr.io、amazonaws.com 等）接受任何凭据，只要密码非空且不含 wrong、invalid 或 expired。',
        },
      },
      network: {
        name: '网络',
        facts: {
          modes: '即使集合为空，IPVS 模式的 iptables 规则也会存在；ipvsadm 只统计连接，不统计字节。',
          bridge: '网桥的转发表是推导出来的，不是学习得到的。',
          arp: 'ARP 成功时不花时间；邻居不再应答会立即被发现，不等表项过期。',
          tcp: '没有半关闭的 TCP 连接。',
          counters: 'iptables、nftables 和网络接口没有计数器。',
          tcpdump: 'tcpdump 显示的长度和序号是估算值；一条消息就是一个报文段。',
          ipv6: 'IPv6 只有链路本地地址和 Service 的字段，不承载流量。',
          tun: 'flannel 的 udp 后端不需要 Pod 中有 /dev/net/tun。',
          packet: '询问数据包时，若有多个后端则取第一个（除非另选）；随机伪装端口一律显示为 1024；名字在同一时刻的集群副本里解析。',
          calico: 'Calico 以无隧道方式安装（CALICO_IPV4POOL_IPIP=Never）；可在 IPPool 中启用 VXLAN，不模拟 IPIP。它的 raw 与 mangle 表会写入并显示，但数据包不经过它们。节点地址块在地址池中的起点与 Go 的随机数不同；DEL 失败时沙箱仍会删除，地址稍后回收。',
          policy: 'Calico 的 CRD 只校验常用字段。主机端点、暂存策略、其他 tier、Log 动作、ICMP 类型与源端口不起作用；kube-proxy 为 IPVS 模式时，不对经由 Service 的流量执行入站策略。Flannel 与真实的一样，不执行任何 NetworkPolicy。',
          metallb: 'MetalLB 只以二层方式通告；BGP 及其资源省略。ARP 应答不是单独的报文：tcpdump 看不到，地址迁移会立即被整个网段获知。',
          ingress: 'ingress-nginx 只写出在此有作用的 nginx.conf 部分；其 Lua 以模型代替，ModSecurity、snippet、基本认证和指标省略。',
          gateway: 'Gateway API 仅含 GatewayClass、Gateway、HTTPRoute、ReferenceGrant。NGINX Gateway Fabric 与代理之间用自己的数据流而非 gRPC；NginxProxy 及其策略省略。',
          openssl: 'openssl 生成的是本站自己格式的证书；Secret 里真正的 X.509 证书会被出示，但不会被解析。',
          wire: '丢失的 TCP 报文整体重发；窗口与丢包下的速率由公式计算，不逐段模拟。netem 的损坏按丢包处理；不模拟重复、乱序与延迟分布。过大的 VXLAN 外层包会被分片，重组不计开销。',
          internet: '互联网由一台机器代表，应答 203.0.113.0/24。',
          resolver: '所有程序都按 glibc 的方式解析名称；不模拟 musl 的差异。',
          coredns: '除 kubeadm 默认插件以及 hosts、log、rewrite、template、whoami、any、minimal 外，CoreDNS 的其他插件会被接受但不起作用；它只统计重要指标，没有 process_* 和 go_*；集群区域的序列号是当前时间。',
          flanneld: 'flanneld 只记录前 64 个租约事件，且不记录 “Batch elem” 行。',
        },
      },
      etcd: {
        name: 'etcd 与高可用',
        facts: {
          members: 'Raft 是完整的，但集群目前只运行一个成员和一台控制平面机器。',
        },
      },
      kubeadm: {
        name: 'kubeadm',
        facts: {
          phases: '它的各个阶段与真实的相同。',
          ssh: '在其他机器上直接启动 kubeadm，而不是通过 ssh。终端里的 ssh 不要求密钥，也不加密。',
          join: 'kubeadm join 不验证 cluster-info 的签名。',
          dns: '外部世界的域名由操作者机器上的一个小型 DNS 服务器解析，它只认识部分顶级域名。',
        },
      },
      kubectl: {
        name: 'kubectl',
        facts: {
          help: '帮助里的命令、用法和参数与 kubectl 1.36 相同，说明文字是我们自己写的。',
          left: '没有 kuberc 偏好设置、按 apply set 清理和插件；网上的清单只能读取已知插件的；kustomize 不支持 replacements、helm chart 和插件。',
        },
      },
      time: {
        name: '时间',
        facts: {
          figures: '各项工作的耗时（组件的 CPU 时间、磁盘同步、镜像拉取）采用合理的估计值，不是实测值。',
        },
      },
    },
  },
};
