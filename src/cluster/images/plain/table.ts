// Servers that are known by their ports, user, size in memory and the lines of their log: one row each.
//   repository  ports  u=user m=megabytes s=milliseconds until ready x=code of its end | line of the log | …
// A repository may end with `*`.

const ROWS = `
docker.io/library/adminer 8080 u=1000 m=12 | PHP 8.4.13 Development Server (http://[::]:8080) started
docker.io/library/arangodb 8529 m=250 s=4000 | ArangoDB (version 3.12.5) is ready for business. Have fun!
docker.io/library/caddy 80,443,2019 m=14 | {"level":"info","msg":"serving initial configuration"}
docker.io/library/cassandra 9042,7000 m=1400 s=15000 | INFO  [main] CassandraDaemon.java:510 - Starting listening for CQL clients on /0.0.0.0:9042 (unencrypted)...
docker.io/library/chronograf 8888 m=20
docker.io/library/consul 8500,8600,8301 m=30 | ==> Consul agent running!
docker.io/library/couchbase 8091 m=300 s=5000 | Starting Couchbase Server -- Web UI available at http://<ip>:8091
docker.io/library/couchdb 5984 m=40 s=2000 | [info] Apache CouchDB has started. Time to relax.
docker.io/library/crate 4200,5432 m=600 s=6000
docker.io/library/docker 2375 m=60 | API listen on [::]:2375
docker.io/library/drupal 80 m=40 | AH00163: Apache/2.4.65 (Debian) PHP/8.4 configured -- resuming normal operations
docker.io/library/eclipse-mosquitto 1883 u=1883 m=2 | mosquitto version 2.0.22 running
docker.io/library/elasticsearch 9200,9300 u=1000 m=1100 s=12000 | {"log.level":"INFO","message":"started"}
docker.io/library/flink 8081,6123 u=9999 m=350 s=5000
docker.io/library/fluentd 24224 u=fluent m=45 s=1500 | [info]: #0 fluentd worker is now running worker=0
docker.io/library/ghost 2368 u=node m=150 s=4000 | INFO Ghost booted in 4.012s
docker.io/library/gogs 3000 m=40
docker.io/library/haproxy 80 u=haproxy m=8 | [NOTICE]   (1) : Loading success.
docker.io/library/influxdb 8086 u=1500 m=60 s=1500 | level=info msg="Listening" service=tcp-listener transport=http addr=:8086
docker.io/library/jenkins 8080,50000 u=jenkins m=450 s=15000 | Jenkins is fully up and running
docker.io/library/joomla 80 m=40
docker.io/library/kibana 5601 u=1000 m=400 s=12000 | [INFO ][http.server.Kibana] http server running at http://0.0.0.0:5601
docker.io/library/kong 8000,8001,8443 u=kong m=180 s=2000
docker.io/library/logstash 9600,5044 u=1000 m=800 s=15000 | [INFO ][logstash.agent] Pipelines running {:count=>1}
docker.io/library/matomo 80 m=40
docker.io/library/mediawiki 80 m=40
docker.io/library/memcached 11211 u=11211 m=2
docker.io/library/mongo-express 8081 m=60 s=1500 | Mongo Express server listening at http://0.0.0.0:8081
docker.io/library/nats 4222,8222,6222 m=10 | [1] [INF] Server is ready
docker.io/library/neo4j 7474,7687 m=600 s=10000 | INFO  Started.
docker.io/library/nextcloud 80 m=60 s=3000 | AH00094: Command line: 'apache2 -D FOREGROUND'
docker.io/library/odoo 8069 u=odoo m=120 s=3000 | odoo.service.server: HTTP service (werkzeug) running on 0.0.0.0:8069
docker.io/library/orientdb 2480,2424 m=400 s=5000
docker.io/library/phpmyadmin 80 m=30 | AH00094: Command line: 'apache2 -D FOREGROUND'
docker.io/library/rabbitmq 5672,15692,25672,4369 m=110 s=5000 |   ##  ##      RabbitMQ 4.1.4 |  Starting broker... completed with 4 plugins. | Server startup complete; 4 plugins started.
docker.io/library/redmine 3000 m=150 s=5000
docker.io/library/registry 5000 m=12 | level=info msg="listening on [::]:5000"
docker.io/library/rethinkdb 28015,8080 m=40 | Server ready, "rethinkdb_0"
docker.io/library/solr 8983 u=8983 m=600 s=6000
docker.io/library/sonarqube 9000 u=1000 m=1800 s=30000 | SonarQube is operational
docker.io/library/telegraf 8125 m=40
docker.io/library/tomcat 8080 m=120 s=2000 | org.apache.catalina.startup.Catalina.start Server startup in [811] milliseconds
docker.io/library/traefik 80,8080 m=30 | INF Traefik version 3.5.3 built on 2025-09-26 | INF Starting provider aggregator aggregator.ProviderAggregator
docker.io/library/vault 8200,8201 m=80 | ==> Vault server started! Log data will stream in below:
docker.io/library/websphere-liberty 9080 u=1001 m=250 s=5000
docker.io/library/wordpress 80 m=45 s=1000 | WordPress not found in /var/www/html - copying now... | Complete! WordPress has been successfully copied to /var/www/html | AH00094: Command line: 'apache2 -D FOREGROUND'
docker.io/library/zookeeper 2181,8080 m=70 s=2000 | INFO  [main:o.a.z.s.PrepRequestProcessor@138] - PrepRequestProcessor (sid:0) started
registry.k8s.io/kube-state-metrics/kube-state-metrics 8080,8081 u=65534 m=30 | I0101 00:00:00.000000       1 server.go:378] "Started metrics server" metricsServerAddress="[::]:8080"
registry.k8s.io/metrics-server/metrics-server 4443 u=65532 m=20 | Serving securely on [::]:4443
registry.k8s.io/ingress-nginx/controller 80,443,10254,8443 u=101 m=90 s=1500 | NGINX Ingress controller | "Starting NGINX Ingress controller" | "Backend successfully reloaded"
registry.k8s.io/ingress-nginx/custom-error-pages 8080 m=5
registry.k8s.io/ingress-nginx/e2e-test-echo 80 m=8
registry.k8s.io/autoscaling/cluster-autoscaler 8085 u=65532 m=50 | "Cluster Autoscaler starting"
registry.k8s.io/autoscaling/vpa-recommender 8942 u=65534 m=50
registry.k8s.io/autoscaling/vpa-updater 8943 u=65534 m=50
registry.k8s.io/autoscaling/vpa-admission-controller 8000,8944 u=65534 m=50
registry.k8s.io/descheduler/descheduler 10258 u=1000 m=40
registry.k8s.io/prometheus-adapter/prometheus-adapter 6443 u=65532 m=40 | Serving securely on [::]:6443
registry.k8s.io/node-problem-detector/node-problem-detector 20256 m=30
registry.k8s.io/node-problem-detector 20256 m=30
registry.k8s.io/cpa/cluster-proportional-autoscaler 8080 u=nobody m=15
registry.k8s.io/cluster-proportional-autoscaler-amd64 8080 u=nobody m=15
registry.k8s.io/external-dns/external-dns 7979 u=65532 m=30
registry.k8s.io/sig-storage/* - m=12
registry.k8s.io/kas-network-proxy/* 8093 u=65532 m=15
registry.k8s.io/coredns/coredns 53,8080,8181,9153 u=65532 m=20
registry.k8s.io/guestbook 3000 m=10
registry.k8s.io/e2e-test-images/sample-device-plugin - m=8
gcr.io/google-samples/gb-frontend 80 m=20 s=800 | AH00094: Command line: 'apache2 -D FOREGROUND'
gcr.io/google_samples/gb-frontend 80 m=20 s=800 | AH00094: Command line: 'apache2 -D FOREGROUND'
gcr.io/google-samples/cassandra 9042,7000 m=600 s=8000
gcr.io/google-samples/microservices-demo/* - m=40 s=1500
us-central1-docker.pkg.dev/google-samples/microservices-demo/* - m=40 s=1500
us-central1-docker.pkg.dev/online-boutique-ci/microservices-demo/* - m=40 s=1500
registry.istio.io/release/examples-bookinfo-productpage-v1 9080 u=1000 m=35 s=1500 |  * Running on http://[::]:9080/
registry.istio.io/release/examples-bookinfo-details-* 9080 u=1000 m=20
registry.istio.io/release/examples-bookinfo-ratings-* 9080 u=1000 m=30 | Server listening on: http://0.0.0.0:9080
registry.istio.io/release/examples-bookinfo-reviews-* 9080 u=1000 m=120 s=4000 | [AUDIT   ] CWWKF0011I: The defaultServer server is ready to run a smarter planet.
registry.istio.io/release/examples-bookinfo-mongodb 27017 m=60
registry.istio.io/release/examples-bookinfo-mysqldb 3306 m=200 s=4000
docker.io/istio/examples-bookinfo-* 9080 u=1000 m=40 s=1500
docker.io/istio/pilot 8080,15010,15012,15014,15017 u=1337 m=60
docker.io/istio/proxyv2 15000,15001,15006,15020,15021,15090 u=1337 m=50
docker.io/jess/amicontained - x=0
r.j3ss.co/amicontained - x=0
docker.io/weaveworksdemos/front-end 8079 u=10001 m=60 s=1000 | App now running in production mode on port 8079
docker.io/weaveworksdemos/user-db 27017 m=40
docker.io/weaveworksdemos/catalogue-db 3306 m=200 s=4000
docker.io/weaveworksdemos/* 80 u=10001 m=60 s=1500
docker.io/buoyantio/emojivoto-* - m=20
docker.io/dockersamples/examplevotingapp_* 80 m=30
docker.io/envoyproxy/envoy 10000,9901 u=101 m=25 | [info][main] starting main dispatch loop
docker.io/envoyproxy/ratelimit 8080,8081,6070 m=12
docker.io/grafana/grafana 3000 u=472 m=75 s=2000 | logger=http.server level=info msg="HTTP Server Listen" address=[::]:3000 protocol=http subUrl= socket=
docker.io/grafana/loki 3100,9095 u=10001 m=70
docker.io/grafana/promtail 9080 m=30
docker.io/prom/prometheus 9090 u=65534 m=60 s=1000 | level=info msg="Server is ready to receive web requests."
quay.io/prometheus/prometheus 9090 u=65534 m=60 s=1000 | level=info msg="Server is ready to receive web requests."
docker.io/prom/node-exporter 9100 u=65534 m=12 | level=info msg="Listening on" address=[::]:9100
quay.io/prometheus/node-exporter 9100 u=65534 m=12 | level=info msg="Listening on" address=[::]:9100
docker.io/prom/alertmanager 9093,9094 u=65534 m=20
quay.io/prometheus/alertmanager 9093,9094 u=65534 m=20
quay.io/prometheus/blackbox-exporter 9115 u=65534 m=12
docker.io/prom/* 9090 u=65534 m=20
quay.io/prometheus-operator/prometheus-operator 8080 u=65534 m=30
quay.io/prometheus-operator/prometheus-config-reloader 8080 u=65534 m=10
quay.io/brancz/kube-rbac-proxy 8443 u=65532 m=12
ghcr.io/jimmidyson/configmap-reload - u=65534 m=5
gcr.io/google_containers/heapster-influxdb-amd64 8086 m=40 s=1500 | [I] Listening on HTTP: [::]:8086
registry.k8s.io/heapster-influxdb-amd64 8086 m=40 s=1500 | [I] Listening on HTTP: [::]:8086
docker.io/otel/opentelemetry-collector 4317,4318,13133,8888,55679 u=10001 m=40 | info	service/service.go	Everything is ready. Begin running and processing data.
docker.io/otel/opentelemetry-collector-contrib 4317,4318,13133,8888,55679 u=10001 m=60 | info	service/service.go	Everything is ready. Begin running and processing data.
docker.io/jaegertracing/all-in-one 16686,4317,4318,14250,14268,14269 u=10001 m=25
docker.io/openzipkin/zipkin 9411 u=10000 m=200 s=4000
docker.io/minio/minio 9000,9001 m=80 | MinIO Object Storage Server
quay.io/minio/minio 9000,9001 m=80 | MinIO Object Storage Server
docker.io/hashicorp/consul 8500,8600,8301 m=30 | ==> Consul agent running!
docker.io/hashicorp/vault 8200,8201 m=80 | ==> Vault server started! Log data will stream in below:
docker.io/kubernetesui/dashboard 9090,8443 u=1001 m=20
docker.io/kubernetesui/* 8000 u=1001 m=15
docker.io/kubernetes/kubernetes-dashboard-amd64 8443 u=1001 m=20
docker.io/rancher/local-path-provisioner - m=12
docker.io/longhornio/longhorn-manager 9500,9501,9502,9503 m=80 s=2000
docker.io/longhornio/* - m=30
quay.io/argoproj/argocd 8080,8081,8082,8083,8084 u=999 m=60 s=1000
ghcr.io/dexidp/dex 5556,5557,5558 u=1001 m=25
quay.io/jetstack/cert-manager-* 9402,10250,6080 u=1000 m=30
quay.io/metallb/* 7472,7946 m=25
quay.io/cilium/* 8081 u=1001 m=30
quay.io/oauth2-proxy/oauth2-proxy 4180 u=65532 m=12
quay.io/vouch/vouch-proxy 9090 m=12
quay.io/strimzi/* 8080 u=1001 m=250 s=5000
docker.io/confluentinc/cp-kafka 9092 u=1000 m=500 s=6000
docker.io/confluentinc/* 8081,8082,8083 u=1000 m=400 s=6000
docker.io/apache/kafka 9092,9093 u=1000 m=400 s=5000 | INFO [KafkaRaftServer nodeId=1] Kafka Server started (kafka.server.KafkaRaftServer)
docker.io/bitnami/* - u=1001 m=80 s=1500
docker.io/bitnamilegacy/* - u=1001 m=80 s=1500
docker.io/jenkins/jenkins 8080,50000 u=1000 m=450 s=15000 | Jenkins is fully up and running
docker.io/gitlab/gitlab-ce 80,443,22 m=2500 s=60000
docker.io/gitea/gitea 3000,22 m=80 s=1500
docker.io/portainer/portainer-ce 9000,9443,8000 m=30
docker.io/nginxinc/nginx-unprivileged 8080 u=101 m=4
docker.io/vllm/vllm-openai 8000 m=2000 s=30000 | INFO:     Application startup complete. | INFO:     Uvicorn running on http://0.0.0.0:8000 (Press CTRL+C to quit)
docker.io/ollama/ollama 11434 m=60 | Listening on [::]:11434
docker.io/tensorflow/serving 8500,8501 m=200 s=2000
docker.io/cockroachdb/cockroach 26257,8080 m=250 s=2000 | CockroachDB node starting
docker.io/arungupta/wildfly-mysql-javaee7 8080,9990 m=300 s=8000
docker.io/mccutchen/go-httpbin 8080 u=65532 m=8
docker.io/kennethreitz/httpbin 80 m=40 s=1000 | [INFO] Listening at: http://0.0.0.0:80 (1)
docker.io/fortio/fortio 8080,8079,8078 m=12
docker.io/swaggerapi/swagger-ui 8080 m=10
docker.io/openpolicyagent/* 8181,8443,9090 u=65532 m=40
docker.io/flannel/flannel - m=12
ghcr.io/fluxcd/* 8080,9440 u=65534 m=30
ghcr.io/external-secrets/* 8080,10250 u=65532 m=40
ghcr.io/azure-samples/aks-store-demo/store-* 8080,80 m=15
ghcr.io/azure-samples/aks-store-demo/order-service 3000 m=45 s=1000
ghcr.io/azure-samples/aks-store-demo/product-service 3002 m=1
ghcr.io/azure-samples/aks-store-demo/makeline-service 3001 m=1
ghcr.io/azure-samples/aks-store-demo/virtual-* - m=1
ghcr.io/azure-samples/aks-store-demo/ai-service 5001 m=50 s=2000
ghcr.io/documentdb/documentdb/documentdb-local 10260 m=250 s=5000
ghcr.io/spiffe/* - m=30
ghcr.io/flannel-io/* - m=15
mcr.microsoft.com/azuredocs/azure-vote-front 80 m=60 s=2000
mcr.microsoft.com/mssql/server 1433 u=10001 m=900 s=10000 | SQL Server is now ready for client connections. This is an informational message; no user action is required.
mcr.microsoft.com/dotnet/samples 8080,80 m=40 s=800 | Now listening on: http://[::]:8080
quay.io/keycloak/keycloak 8080,9000 u=1000 m=400 s=8000
quay.io/pires/docker-elasticsearch-kubernetes 9200,9300 m=600 s=8000
quay.io/fluentd_elasticsearch/fluentd 24224,24231 m=60
`;

export interface TableRow {
  readonly repository: string;
  readonly ports: readonly number[];
  readonly user: string;
  readonly megabytes: number;
  /** Milliseconds. */
  readonly startup: number;
  readonly lines: readonly string[];
  /** It does its work and ends with this code; null: it serves. */
  readonly exits: number | null;
}

let exact: Map<string, TableRow> | null = null;
const open: TableRow[] = [];

/** The row of a repository. */
export function rowOf(repository: string): TableRow | undefined {
  if (exact === null) {
    exact = new Map();
    for (const line of ROWS.trim().split('\n')) {
      const row = parse(line);
      if (row.repository.endsWith('*')) open.push(row);
      else exact.set(row.repository, row);
    }
  }
  return exact.get(repository) ?? open.find((row) => repository.startsWith(row.repository.slice(0, -1)));
}

function parse(line: string): TableRow {
  const [head = '', ...lines] = line.split(' | ');
  const [repository = '', ports = '-', ...settings] = head.split(' ');
  const setting = (letter: string): string => settings.find((s) => s.startsWith(`${letter}=`))?.slice(2) ?? '';
  return {
    repository, lines, user: setting('u'), megabytes: Number(setting('m') || 20), startup: Number(setting('s') || 300), exits: setting('x') === '' ? null : Number(setting('x')),
    ports: ports === '-' ? [] : ports.split(',').map(Number),
  };
}
