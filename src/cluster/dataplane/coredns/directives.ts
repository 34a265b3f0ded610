// The directives that CoreDNS 1.14 knows, in the order in which their plug-ins see a query (core/dnsserver/zdirectives.go).

export const DIRECTIVES: readonly string[] = (
  'root metadata geoip cancel tls proxyproto quic grpc_server https https3 timeouts multisocket reload nsid bufsize bind debug trace ready health pprof prometheus errors log dnstap local dns64 acl any ' +
  'chaos loadbalance tsig cache rewrite header dnssec autopath minimal template transfer hosts route53 azure clouddns k8s_external kubernetes file auto secondary etcd loop forward grpc erratic whoami on sign view nomad'
).split(' ');

export const KNOWN: ReadonlySet<string> = new Set(DIRECTIVES);
