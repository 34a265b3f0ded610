// What a machine with CRI-O or with Docker has in place of containerd: units and configuration files, as their packages leave them.

import { crioProgram } from './crio.ts';
import { criDockerdProgram, dockerContainerdProgram, dockerdProgram } from './docker.ts';
import type { InstallRuntime } from './runtime-provider.ts';

const installCrio: InstallRuntime = ({ files, units }) => {
  files.write('/etc/crio/crio.conf.d/10-crio.conf', CRIO_CONF);
  files.write('/etc/containers/registries.conf', 'unqualified-search-registries = ["docker.io"]\n');
  units.install({
    name: 'crio', description: 'Container Runtime Interface for OCI (CRI-O)', program: crioProgram, argv: ['/usr/bin/crio'], restart: 'on-failure', restartSec: 10,
  });
};

const installDocker: InstallRuntime = ({ files, units }) => {
  files.write('/etc/containerd/config.toml', 'disabled_plugins = ["cri"]\n');
  files.write('/etc/docker/daemon.json', '{\n  "exec-opts": ["native.cgroupdriver=systemd"]\n}\n');
  units.install({
    name: 'containerd', description: 'containerd container runtime', program: dockerContainerdProgram, argv: ['/usr/bin/containerd'], restart: 'always', restartSec: 5,
  });
  units.install({
    name: 'docker', description: 'Docker Application Container Engine', program: dockerdProgram, comm: 'dockerd',
    argv: ['/usr/bin/dockerd', '-H', 'unix:///var/run/docker.sock', '--containerd=/run/containerd/containerd.sock'], restart: 'always', restartSec: 2,
  });
  units.install({
    name: 'cri-docker', description: 'CRI Interface for Docker Application Container Engine', program: criDockerdProgram, comm: 'cri-dockerd',
    argv: ['/usr/bin/cri-dockerd', '--container-runtime-endpoint', 'unix:///var/run/cri-dockerd.sock'], restart: 'always', restartSec: 2,
  });
};

const CRIO_CONF = `[crio.image]
signature_policy = "/etc/crio/policy.json"

[crio.runtime]
default_runtime = "crun"

[crio.runtime.runtimes.crun]
runtime_path = "/usr/libexec/crio/crun"
runtime_root = "/run/crun"
monitor_path = "/usr/libexec/crio/conmon"
`;

export const otherRuntimes = { 'cri-o': installCrio, docker: installDocker } as const;
